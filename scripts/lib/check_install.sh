# Sourced by scripts/check: installs the tool into a folder and tries it as on a
# machine without Swift.

# check_completions FOLDER: what is below share/ is the shells' own language, as
# far as they are here, and completes commands and files.
check_completions() {
  local bash_script=$1/bash-completion/completions/pth
  local zsh_script=$1/zsh/site-functions/_pth
  local fish_script=$1/fish/vendor_completions.d/pth.fish
  local found
  # shellcheck disable=SC2016 # The other bash expands it.
  found=$(bash -c 'source "$1"
    COMP_WORDS=(pth san) COMP_CWORD=1 COMP_LINE="pth san" COMP_POINT=7
    _pth pth san pth && printf "%s\n" "${COMPREPLY[@]}"' bash "$bash_script")
  [ "$found" = sanitize ] || die "bash completes \"pth san\" to \"$found\""
  grep -q '^#compdef pth$' "$zsh_script" ||
    die "the completion for zsh does not begin as one"
  grep -q "'\*:files:_files'" "$zsh_script" ||
    die "the completion for zsh offers no files"
  if command -v zsh >/dev/null 2>&1; then zsh -n "$zsh_script"; fi
  grep -q 'complete -c .*pth' "$fish_script" ||
    die "the completion for fish has no completions"
  if command -v fish >/dev/null 2>&1; then fish -n "$fish_script"; fi
}

# check_install FOLDER
check_install() {
  local prefix=$1 clean file
  rm -rf "$prefix"
  scripts/install --prefix "$prefix"
  if [ "$(uname -s)" = Linux ] && ldd "$prefix/bin/pth" | grep -i swift; then
    die "the installed tool needs Swift's libraries"
  fi
  clean=(env -i PATH=/usr/bin:/bin "$prefix/bin/pth")
  "${clean[@]}" --version
  "${clean[@]}" verify fixtures/mnist/hw7_trained.pth
  "${clean[@]}" convert fixtures/mnist/hw7_trained.pth \
    "$prefix/model.safetensors"
  check_completions "$prefix/share"
  for file in info convert train verify; do
    grep -q "^.SS pth $file$" "$prefix/share/man/man1/pth.1" ||
      die "the manual page says nothing of pth $file"
  done
  rm "$prefix/model.safetensors"
  scripts/install --uninstall --prefix "$prefix"
  if find "$prefix" -type f | grep .; then
    die "uninstalling left files behind"
  fi
}
