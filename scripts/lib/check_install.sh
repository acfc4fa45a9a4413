# Sourced by scripts/check: installs the tool into a folder and tries it as on a
# machine without Swift.

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
  bash -n "$prefix/share/bash-completion/completions/pth"
  grep -q '^#compdef pth$' "$prefix/share/zsh/site-functions/_pth" ||
    die "the completion for zsh does not begin as one"
  grep -q 'complete -c .*pth' "$prefix/share/fish/vendor_completions.d/pth.fish" ||
    die "the completion for fish has no completions"
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
