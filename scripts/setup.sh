# Sourced by scripts/run and scripts/test: makes .venv with lab in it, once.
#   setup EXTRAS    e.g. setup "" or setup "[test]"
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

find_python() {
    local candidate
    for candidate in python3.12 python3.11 python3.13 python3; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "lab needs Python 3.11, 3.12 or 3.13" >&2
    return 1
}

setup() {
    local stamp=".venv/lab-installed$1" python
    # Installed before, and pyproject.toml has not changed since.
    [ -e "$stamp" ] && [ "$stamp" -nt pyproject.toml ] && return
    if [ ! -x .venv/bin/python ]; then
        python=$(find_python) || exit 1
        echo "making .venv and installing torch, torchvision and the rest: about 5 GB, some minutes, once"
        echo "(docs/running.md says how to have 1.2 GB instead, on a machine without a GPU)"
        "$python" -m venv .venv || exit 1
    fi
    .venv/bin/python -m pip install --disable-pip-version-check -e ".$1" || exit 1
    touch "$stamp"
}
