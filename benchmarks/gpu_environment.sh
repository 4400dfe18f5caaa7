# shellcheck shell=bash
# What the library needs on a machine with a GPU; sourced by gpu_suite.sh and gpu_train.sh, from the root of the
# checkout. Such a machine has python with jax, flax, optax, orbax and numpy; smaller packages that it lacks are taken
# from the wheels that gpu_wheels.sh brought.

python=${PYTHON:-python3}
wheels=${WHEELS:-.wheels}
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT

# MODULE=WHEEL for what may be missing, first what others need; a wheel's name has underscores.
for pair in absl=absl_py yaml=pyyaml ml_collections=ml_collections tqdm=tqdm psutil=psutil google.protobuf=protobuf \
  google_crc32c=google_crc32c; do
  module=${pair%%=*} wheel=${pair#*=}
  "$python" -c "import $module" 2>/dev/null && continue
  found=
  for file in "$wheels"/*.whl; do
    [ -e "$file" ] || break
    case $(basename "$file" | tr '[:upper:]' '[:lower:]') in "$wheel"-*) ;; *) continue ;; esac
    "$python" -m zipfile -e "$file" "$unpacked/$(basename "$file")"
    # A compiled wheel is of one version of Python: the first one that can be imported is taken.
    if PYTHONPATH=$unpacked/$(basename "$file"):${PYTHONPATH:-} "$python" -W error::RuntimeWarning -c "import $module" 2>/dev/null; then
      PYTHONPATH=$unpacked/$(basename "$file"):${PYTHONPATH:-}
      export PYTHONPATH
      found=$file
      break
    fi
  done
  if [ -n "$found" ]; then
    echo "$module is not installed: taken from $found"
  else
    echo "$module is not installed, and no wheel in $wheels has it: run benchmarks/gpu_wheels.sh where there is a network"
  fi
done

for module in jax flax optax orbax.checkpoint numpy; do
  "$python" -c "import $module" 2>/dev/null || {
    echo "error: $python has no $module" >&2
    exit 1
  }
done
