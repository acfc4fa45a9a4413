/// New paths for the modules in a state dict's `_metadata`, as its keys get
/// new names.
///
/// A module goes where its first tensor goes; one without tensors where the
/// rename itself would put its path. So a prefix comes off as PyTorch's
/// `consume_prefix_in_state_dict_if_present` takes it off.
struct ModuleRenaming {
  /// For each module's path: its first tensor's old and new key.
  private var samples: [String: (old: String, new: String)] = [:]
  private let rename: (String) -> String

  /// Makes a map.
  ///
  /// - Parameters:
  ///   - keys: The old and new keys of the state dict.
  ///   - rename: What the rename makes of a key.
  init(
    keys: [(old: String, new: String)],
    rename: @escaping (String) -> String
  ) {
    self.rename = rename
    for (old, new) in keys {
      var path = old[...]
      while let dot = path.lastIndex(of: ".") {
        path = path[..<dot]
        guard samples[String(path)] == nil else { break }
        samples[String(path)] = (old, new)
      }
    }
  }

  /// The new path of a module; the empty path is the model itself.
  func newPath(of module: String) -> String {
    guard !module.isEmpty else { return module }
    if let (old, new) = samples[module] {
      let tail = old.dropFirst(module.count)
      if new.hasSuffix(tail) { return String(new.dropLast(tail.count)) }
      if new == tail.dropFirst() { return "" }
      if !tail.dropFirst().contains(".") {
        return new.lastIndex(of: ".").map { String(new[..<$0]) } ?? ""
      }
      return module
    }
    let renamed = rename(module + ".")
    if renamed.isEmpty { return "" }
    return renamed.hasSuffix(".") ? String(renamed.dropLast()) : rename(module)
  }
}
