"""The state of training and its step: pure functions."""

import functools
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_collections
import optax
from flax import struct

from dsta_jax.data.batches import Batch
from dsta_jax.models.dsta import DSTANet

# The power of the batch's size, in the paper's batches, by which the learning rate grows.
RATE_RULES = {"constant": 0.0, "linear": 1.0, "square_root": 0.5}
_PAPER_BATCH = 32

Params = Any
BatchStats = Any
OverMembers = Callable[[Callable[..., Any]], Callable[..., Any]]


class TrainState(struct.PyTreeNode):
    """Everything that a step changes. All leaves but `step` lead with an axis over the N members.

    `batch_stats` are running means and variances, `totals` are sums since the last line of metrics.
    """

    step: jax.Array
    params: Params
    batch_stats: BatchStats
    opt_state: optax.OptState
    totals: "Totals"


class Totals(struct.PyTreeNode):
    """Sums over samples, of N members: loss, right answers, and samples seen; and what went wrong.

    Attributes:
      loss: NaN from the step on in which a parameter or a running statistic is not finite any more.
      correct: the samples whose class is scored best.
      seen: the samples that the others are sums over.
      skipped: how many steps were undone, as something would not have been finite.
      failed_step: the first step, from 1, in which something was not finite; NEVER for none.
    """

    loss: jax.Array
    correct: jax.Array
    seen: jax.Array
    skipped: jax.Array
    failed_step: jax.Array

    @classmethod
    def zero(cls) -> "Totals":
        """One member's, of no step."""
        zero = jnp.zeros((), jnp.float32)
        return cls(zero, zero, zero, zero, jnp.full((), NEVER, jnp.int32))


NEVER = 2**31 - 1


def learning_rate(train: ml_collections.ConfigDict, steps_per_epoch: float) -> optax.Schedule:
    """Sec. 4.2: a linear rise over the first epochs, then divided by `decay_factor` at each of `decay_at`; by step.

    The rate is for the paper's batches of 32; `rate_rule` says what it becomes for others.

    With `warmup_by=epoch` the rate rises from one epoch to the next, as the authors' does: of five epochs the first has
    a fifth of it, the second two fifths.
    """
    last_step = train.epochs * steps_per_epoch
    boundaries = [round(part * last_step) for part in train.decay_at]
    rate = train.learning_rate * (train.batch_size / _PAPER_BATCH) ** RATE_RULES[train.rate_rule]
    warmup = max(1, round(train.warmup_epochs * steps_per_epoch))

    def schedule(step: jax.Array) -> jax.Array:
        risen = (step + 1) / warmup
        if train.warmup_by == "epoch":
            risen = (jnp.floor(step / steps_per_epoch) + 1) / max(1.0, train.warmup_epochs)
        decays = sum((step >= boundary).astype(jnp.float32) for boundary in boundaries)
        return rate * jnp.minimum(1.0, risen) / train.decay_factor**decays

    return schedule


def optimizer(train: ml_collections.ConfigDict, steps_per_epoch: float) -> optax.GradientTransformation:
    """SGD with Nesterov momentum; weight decay is added to the gradient, for every parameter.

    Where `loaded_rate` is not 1, the last of the optimiser's states are `RateParts`.
    """
    sgd = optax.sgd(learning_rate(train, steps_per_epoch), momentum=train.momentum, nesterov=True)
    by_parts = [] if train.loaded_rate == 1 else [_by_parts()]
    return optax.chain(optax.add_decayed_weights(train.weight_decay), sgd, *by_parts)


class RateParts(NamedTuple):
    """At which part of the learning rate each number of the parameters learns, laid out as they are.

    They are a state, and saved with it, as they differ from member to member and a resumed training needs them.
    """

    part: Params


def _by_parts() -> optax.GradientTransformation:
    """Multiplies updates by `RateParts`, which are 1 at first."""

    def update(updates: Params, parts: RateParts, params: Params = None) -> tuple[Params, RateParts]:
        del params
        return jax.tree.map(jnp.multiply, updates, parts.part), parts

    return optax.GradientTransformation(lambda params: RateParts(jax.tree.map(jnp.ones_like, params)), update)


def init(
    network: DSTANet,
    tx: optax.GradientTransformation,
    members: tuple[str, ...],
    seed: int,
    x_RxTxVxC: jax.ShapeDtypeStruct,
) -> TrainState:
    """A fresh state of N members by name, for an input of this shape each.

    A member's initial values depend on the seed and its name, not on which others train beside it.
    """

    def init_member(name_hash: jax.Array) -> TrainState:
        key = jax.random.fold_in(jax.random.key(seed), name_hash)
        variables = network.init(key, jnp.zeros(x_RxTxVxC.shape, x_RxTxVxC.dtype), train=False)
        params, batch_stats = variables["params"], variables["batch_stats"]
        return TrainState(jnp.zeros((), jnp.int32), params, batch_stats, tx.init(params), Totals.zero())

    hashes_N = jnp.array([zlib.crc32(name.encode()) for name in members], jnp.uint32)
    return jax.vmap(init_member)(hashes_N).replace(step=jnp.zeros((), jnp.int32))


def join(states: Sequence[TrainState]) -> TrainState:
    """The members of several states, which are at the same step, one after the other."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves) if leaves[0].ndim else leaves[0], *states)


def part(state: TrainState, members: slice) -> TrainState:
    """Some of a state's members."""
    return jax.tree.map(lambda leaf: leaf[members] if leaf.ndim else leaf, state)


def train_step(
    network: DSTANet,
    tx: optax.GradientTransformation,
    label_smoothing: float,
    totals_every: int,
    state: TrainState,
    batch: Batch,
    over_members: OverMembers = jax.vmap,
    skipping: bool = False,
) -> tuple[TrainState, Totals]:
    """One step of every member: pure, to be compiled. Returns the state after it, and the totals with this step in.

    Of each target, `label_smoothing` is spread evenly over the classes (0 in the paper). Totals begin anew at each
    multiple of `totals_every` steps. A step after which a member is not finite any more changes nothing of it when
    `skipping`. `over_members` makes the step of all members of the step of one (`parallel.over_members`).
    """
    fresh, number = state.step % totals_every == 0, state.step + 1
    totals = jax.tree.map(lambda zero, before: jnp.where(fresh, zero, before), Totals.zero(), state.totals)

    def member_step(params: Params, batch_stats: BatchStats, opt_state: Any, totals: Totals, batch: Batch) -> tuple:
        before = params, batch_stats, opt_state
        gradient_of = jax.value_and_grad(functools.partial(loss, network, label_smoothing), has_aux=True)
        (mean, (scores_BxK, new_stats)), gradients = gradient_of(params, batch_stats, batch)
        updates, opt_state = tx.update(gradients, opt_state, params)
        params = optax.apply_updates(params, updates)
        finite, seen = all_finite((mean, params, new_stats)), jnp.float32(len(batch.label))
        after, used = (params, new_stats, opt_state), jnp.where(finite | (not skipping), 1.0, 0.0)
        if skipping:
            after = jax.tree.map(functools.partial(jnp.where, finite), after, before)
        correct = (scores_BxK.argmax(-1) == batch.label).sum(dtype=jnp.float32)
        totals = Totals(
            loss=totals.loss + jnp.where(finite, mean * seen, 0.0 if skipping else jnp.nan),
            correct=totals.correct + used * correct,
            seen=totals.seen + used * seen,
            skipped=totals.skipped + 1 - used,
            failed_step=jnp.minimum(totals.failed_step, jnp.where(finite, NEVER, number)),
        )
        return *after, totals

    after = over_members(member_step)(state.params, state.batch_stats, state.opt_state, totals, batch)
    return TrainState(state.step + 1, *after), after[-1]


def all_finite(tree: Any) -> jax.Array:
    """Whether no number of a tree is NaN or infinite."""
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)]).all()


def loss(
    network: DSTANet, label_smoothing: float, params: Params, batch_stats: BatchStats, batch: Batch
) -> tuple[jax.Array, tuple[jax.Array, BatchStats]]:
    """Mean cross-entropy of one member's training batch; and its B x K scores and new running statistics."""
    scores_BxK, updated = network.apply(
        {"params": params, "batch_stats": batch_stats}, batch.x, batch.share, train=True, mutable=["batch_stats"]
    )
    mean = cross_entropy_B(scores_BxK, batch.label, label_smoothing).mean()
    return mean, (scores_BxK, updated["batch_stats"])


def cross_entropy_B(scores_BxK: jax.Array, label_B: jax.Array, label_smoothing: float) -> jax.Array:
    """Cross-entropy of each sample against its label, smoothed over all classes; the target's rows sum to 1."""
    target_BxK = optax.smooth_labels(jax.nn.one_hot(label_B, scores_BxK.shape[-1]), label_smoothing)
    return optax.softmax_cross_entropy(scores_BxK, target_BxK)


def eval_step(network: DSTANet, variables: dict[str, Any], batch: Batch) -> jax.Array:
    """N x B x K scores of every member; network and variables as `models.fold_batch_norm.fold` makes them."""

    def member_step(variables: dict[str, Any], batch: Batch) -> Any:
        return network.apply(variables, batch.x, batch.share, train=False)

    return jax.vmap(member_step)(variables, batch)
