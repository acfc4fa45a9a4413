/// Maps globals between the names of Python 2 and 3, as CPython does.
enum NameMapping {
  typealias Name = GlobalTable.Name

  /// A global's name in another protocol.
  ///
  /// - Parameters:
  ///   - name: As it is in the graph.
  ///   - old: The graph's protocol.
  ///   - new: The protocol to write.
  /// - Returns: The same name unless the two are on different sides of 3.
  static func map(_ name: Name, from old: Int, to new: Int) -> Name {
    if old >= 3 && new < 3 { return to2.map(name) }
    if old < 3 && new >= 3 { return to3.map(name) }
    return name
  }

  private struct Table: Sendable {
    var modules: [String: String] = [:]
    var names: [Name: Name] = [:]

    func map(_ name: Name) -> Name {
      if let mapped = names[name] { return mapped }
      guard let module = modules[name.module] else { return name }
      return Name(module: module, name: name.name)
    }
  }

  private static let to3: Table = {
    var table = Table()
    for words in lines(NameTables.modules) + lines(NameTables.modulesTo3) {
      table.modules[words[0]] = words[1]
    }
    for words in lines(NameTables.names) + lines(NameTables.namesTo3) {
      table.names[Name(module: words[0], name: words[1])] =
        Name(module: words[2], name: words[3])
    }
    for name in exceptions {
      table.names[Name(module: "exceptions", name: name)] =
        Name(module: "builtins", name: name)
    }
    return table
  }()

  private static let to2: Table = {
    var table = Table()
    for words in lines(NameTables.modules) {
      table.modules[words[1]] = words[0]
    }
    for words in lines(NameTables.modulesTo2) {
      table.modules[words[0]] = words[1]
    }
    for words in lines(NameTables.names) {
      table.names[Name(module: words[2], name: words[3])] =
        Name(module: words[0], name: words[1])
    }
    for words in lines(NameTables.namesTo2) {
      table.names[Name(module: words[0], name: words[1])] =
        Name(module: words[2], name: words[3])
    }
    for name in exceptions {
      table.names[Name(module: "builtins", name: name)] =
        Name(module: "exceptions", name: name)
    }
    return table
  }()

  private static var exceptions: [String] {
    lines(NameTables.exceptions).flatMap { $0 }
  }

  private static func lines(_ text: String) -> [[String]] {
    text.split(separator: "\n").map { line in
      line.split(separator: " ").map(String.init)
    }
  }
}
