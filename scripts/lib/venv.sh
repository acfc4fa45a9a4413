# Sourced after setup.sh: Python with the libraries that are compared with.

# use_venv FOLDER PACKAGE...: makes a venv unless it stands already, and sets
# PTH_PYTHON to its interpreter. An interpreter that PTH_PYTHON names already,
# with the packages, is taken instead.
use_venv() {
  [ -n "${PTH_PYTHON:-}" ] && return
  local venv=$1
  shift
  if [ ! -e "$venv/ready" ]; then
    say "installing $* into $venv"
    local python
    python=$(command -v python3) || die "python3 is not on the PATH"
    "$python" -m venv --clear "$venv" ||
      die "python3 can't make a venv. Install one that can: apt-get install python3-venv"
    # PyPI itself has no build without CUDA; a configured index may have.
    "$venv/bin/pip" install -q "$@" 2>/dev/null ||
      "$venv/bin/pip" install -q "$@" \
        --extra-index-url https://download.pytorch.org/whl/cpu
    touch "$venv/ready"
  fi
  PTH_PYTHON=$venv/bin/python
}
