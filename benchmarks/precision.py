"""Is bfloat16 as good as float32? Short trainings with both, on several seeds, judged on held-out training subjects.

    python -m benchmarks.precision --data_dir=data
    python -m benchmarks.precision --data_dir=data --config=configs/utd_mhad.py:small,spatial --seeds=0,1 --epochs=12

Each seed holds out other subjects. Accuracy is measured before each decay of the learning rate and at the end, with the
running statistics that evaluation uses, and with those of the batches themselves: where only the former is poor, the
running statistics lag behind the network. `mean^2/var` is the largest of all channels of all BatchNorms: by so much a
variance from one pass would lose digits if nothing shifted the features. Nothing is looked at on test recordings.
"""

import functools
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import jax
import ml_collections
import numpy as np

from benchmarks import command_line, ours, report
from dsta_jax import checkpoint, evaluate, train
from dsta_jax import config as config_lib
from dsta_jax.data import batches
from dsta_jax.data.batches import Batch
from dsta_jax.experiment import Experiment
from dsta_jax.members import Members
from dsta_jax.models.dsta import DSTANet, Precision
from dsta_jax.train_state import TrainState

COLUMNS = (
    ("seed", "seed", "d"),
    ("precision", "precision", ""),
    ("step", "step", "d"),
    ("loss", "loss", ".3f"),
    ("trained", "train %", ".1f"),
    ("running", "running %", ".1f"),
    ("batch", "batch %", ".1f"),
    ("mean2_over_var", "mean^2/var", ".3g"),
)


def main(words: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Trains, prints, and returns the rows."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--data_dir", required=True, help="where converted sets lie, as NAME/VERSION")
    parser.add_argument("--config", default="utd_mhad:small,spatial_temporal", help="default %(default)s")
    parser.add_argument("--seeds", type=command_line.numbers, default=(0, 1, 2), help="default 0,1,2")
    parser.add_argument("--epochs", type=float, default=15.0, help="the schedule is shortened to it (default 15)")
    arguments = parser.parse_args(words)
    rows = []
    for seed in arguments.seeds:
        for precision in get_args(Precision):
            for row in trained(Experiment(configuration(arguments, seed, precision)).members):
                rows.append({"seed": seed, "precision": precision, **row})
                report.say(report.table(rows[-1:], COLUMNS).splitlines()[-1])
    report.finish("precision", arguments, f"{arguments.config}\n{report.table(rows, COLUMNS)}", rows)
    return rows


def configuration(arguments: Namespace, seed: int, precision: Precision) -> ml_collections.ConfigDict:
    """The configuration with its training shortened, a precision, and subjects held out."""
    config = config_lib.get_config(arguments.config)
    config.train.epochs = arguments.epochs
    config.seed, config.data.dir, config.model.precision = seed, arguments.data_dir, precision
    config.data.validation_fraction, config.data.validation_by = 0.2, "subject"
    config.log.every_steps = 10
    return config


def trained(members: Members) -> Iterator[dict[str, Any]]:
    """Trains one network; a row before each decay of the learning rate, and one at the end."""
    mesh = members.mesh(members.config.train.batch_size)
    init = ours.init(members)
    shapes = checkpoint.with_sharding(jax.eval_shape(init), mesh)
    state = jax.jit(init, out_shardings=jax.tree.map(lambda leaf: leaf.sharding, shapes))()
    step = train.compiled_step(members, mesh, shapes)
    marks = {members.every(part * members.config.train.epochs) for part in (*members.config.train.decay_at, 1)}
    for number, batch in enumerate(train.Feed(members, mesh).batches(0), start=1):
        state, totals = step(state, batch)
        if number in marks:
            yield {
                "step": number,
                "loss": float(totals.loss[0] / totals.seen[0]),
                "trained": 100 * float(totals.correct[0] / totals.seen[0]),
                **judged(members, state),
            }


def judged(members: Members, state: TrainState) -> dict[str, float]:
    """Accuracy on the held-out recordings, in %, and how far means are from zero."""
    (fold,) = members.folds
    model = {"params": state.params, "batch_stats": state.batch_stats}
    (scores,) = evaluate.score(members, model, fold.validation)
    of_batches = jax.tree.map(lambda leaf: leaf[0], model)
    size = members.config.train.batch_size
    right = seen = 0.0
    for batch in batches.test_batches(fold.validation, members.streams, members.sampling, size):
        correct, count = _by_batch_statistics(members.network, of_batches, batch)
        right, seen = right + float(correct), seen + float(count)
    norms = jax.tree.leaves(
        jax.tree.map(
            lambda norm: np.max(np.square(norm["mean"]) / np.asarray(norm["var"])),
            state.batch_stats,
            is_leaf=lambda node: "mean" in node,
        )
    )
    return {"running": 100 * scores.top(1), "batch": 100 * right / seen, "mean2_over_var": float(max(norms))}


@functools.partial(jax.jit, static_argnums=0)
def _by_batch_statistics(network: DSTANet, model: dict[str, Any], batch: Batch) -> tuple[jax.Array, jax.Array]:
    scores_BxK, _ = network.apply(model, batch.x[0], train=True, mutable=["batch_stats"])
    right_B = (scores_BxK.argmax(-1) == batch.label[0]) * batch.real[0]
    return right_B.sum(), batch.real.sum()


if __name__ == "__main__":
    main()
