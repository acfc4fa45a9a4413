/// New paths for the modules in a state dict's `_metadata`, as its keys get
/// new names.
///
/// A module goes where its first tensor goes; one without tensors where the
/// rename itself would put its path, or with the module around it. So a prefix
/// comes off as PyTorch's `consume_prefix_in_state_dict_if_present` takes it
/// off.
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
      // Each of its modules takes the length of its path.
      let depth = old.utf8.count { $0 == UInt8(ascii: ".") }
      guard depth <= Self.maxDepth else { continue }
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
    // A table names tensors only: the module stays with the one around it.
    if renamed == module + ".", let around = sampled(around: module) {
      let parent = newPath(of: around)
      let rest = module.dropFirst(around.count)
      return parent.isEmpty ? String(rest.dropFirst()) : parent + rest
    }
    if renamed.isEmpty { return "" }
    return renamed.hasSuffix(".") ? String(renamed.dropLast()) : rename(module)
  }

  /// The nearest module around one that has tensors.
  private func sampled(around module: String) -> String? {
    var path = module[...]
    for _ in 0..<Self.maxDepth {
      guard let dot = path.lastIndex(of: ".") else { return nil }
      path = path[..<dot]
      if samples[String(path)] != nil { return String(path) }
    }
    return nil
  }

  // No model is nested deeper.
  private static let maxDepth = 64
}
