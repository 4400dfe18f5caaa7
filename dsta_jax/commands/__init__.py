"""The commands of `dsta`, in the order of their help; each imports what is heavy when it runs."""

from dsta_jax.commands.convert import CONVERT
from dsta_jax.commands.experiments import EXPERIMENTS
from dsta_jax.commands.predict import PREDICT
from dsta_jax.commands.report import REPORT
from dsta_jax.commands.train import CHECK, EVALUATE, TRAIN
from dsta_jax.commands.weights import EXPORT, IMPORT

COMMANDS = {
    "convert": CONVERT,
    "check": CHECK,
    "train": TRAIN,
    "evaluate": EVALUATE,
    "report": REPORT,
    "predict": PREDICT,
    "experiments": EXPERIMENTS,
    "import": IMPORT,
    "export": EXPORT,
}
