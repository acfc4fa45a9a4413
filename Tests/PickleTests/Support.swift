import Pickle
import TestSupport
import Testing

/// Bytes from text in which each character is one byte.
func bytes(_ text: String) -> [UInt8] {
  text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
}

func decoded(_ text: String) throws(PickleError) -> PickleGraph {
  try Unpickler.decode(PickleSource(bytes(text)))
}

/// A value in the manner of Python's `repr`, cycles shown as `...`.
func describe(_ graph: PickleGraph, _ id: PickleGraph.NodeID) -> String {
  var open: Set<PickleGraph.NodeID> = []
  return describe(graph, id, &open)
}

func describe(_ graph: PickleGraph) -> String { describe(graph, graph.root) }

private func describe(
  _ graph: PickleGraph,
  _ id: PickleGraph.NodeID,
  _ open: inout Set<PickleGraph.NodeID>
) -> String {
  guard open.insert(id).inserted else { return "..." }
  defer { open.remove(id) }
  func all(_ ids: some Sequence<PickleGraph.NodeID>) -> String {
    ids.map { describe(graph, $0, &open) }.joined(separator: ", ")
  }
  func all(_ pairs: PickleGraph.Pairs) -> String {
    pairs.map {
      describe(graph, $0.key, &open) + ": " + describe(graph, $0.value, &open)
    }.joined(separator: ", ")
  }
  func changes() -> String {
    graph.changes(id).map { change in
      switch change {
      case .listItems(let items): " +[" + all(items) + "]"
      case .dictItems(let items): " +{" + all(items) + "}"
      case .setItems(let items): " +set(" + all(items) + ")"
      case .state(let state): " state " + describe(graph, state, &open)
      case .call(let call): " call " + describe(graph, call, &open)
      }
    }.joined()
  }
  switch graph.kind(id) {
  case .none: return "None"
  case .bool: return graph.bool(id) == true ? "True" : "False"
  case .int: return graph.int(id).map { "\($0)" } ?? "?"
  case .bigInt: return "big\(graph.bigIntBytes(id) ?? [])"
  case .float: return graph.float(id).map { "\($0)" } ?? "?"
  case .string:
    let prefix = graph.isPython2String(id) ? "py2" : ""
    return prefix
      + (graph.string(id).map { "'\($0)'" } ?? "\(graph.stringBytes(id) ?? [])")
  case .bytes: return "bytes\(graph.bytes(id) ?? [])"
  case .byteArray: return "bytearray\(graph.bytes(id) ?? [])"
  case .list: return "[" + all(graph.children(id)) + "]"
  case .tuple: return "(" + all(graph.children(id)) + ")"
  case .set: return "set(" + all(graph.children(id)) + ")"
  case .frozenSet: return "frozenset(" + all(graph.children(id)) + ")"
  case .dict: return "{" + all(graph.pairs(id)) + "}"
  case .global:
    let name = graph.global(id).map { $0.module + "." + $0.name } ?? "computed"
    return name + changes()
  case .extension: return "ext\(graph.extensionCode(id) ?? 0)" + changes()
  case .buffer:
    return "buffer\(graph.bufferIndex(id) ?? -1)"
      + (graph.isReadOnlyBuffer(id) ? "r" : "")
  case .persistentID:
    let inner = graph.persistentID(id).map { describe(graph, $0, &open) }
    return "pid<" + (inner ?? "?") + ">" + changes()
  case .object:
    guard let object = graph.object(id) else { return "?" }
    let keywords = object.keywordArguments
      .map { " ** " + describe(graph, $0, &open) }
    return "\(object.construction) " + describe(graph, object.callable, &open)
      + describe(graph, object.arguments, &open) + (keywords ?? "") + changes()
  }
}

/// The pickles that CPython wrote, as fixtures.
struct CPythonPickle: CustomTestStringConvertible, Sendable {
  let version: Int
  let name: String

  var testDescription: String { "\(name), protocol \(version)" }

  var path: String { "pickle/protocol\(version)/\(name).pkl" }
  var shownPath: String { "pickle/protocol\(version)/\(name).txt" }

  func bytes() throws -> [UInt8] { try Fixture.bytes(path) }

  static let all: [CPythonPickle] = (0...5).flatMap { version in
    let folder = "pickle/protocol\(version)"
    let names = (try? Fixture.names(in: folder, suffix: ".pkl")) ?? []
    return names.map {
      CPythonPickle(
        version: version,
        name: String($0.dropFirst(folder.count + 1).dropLast(4))
      )
    }
  }
}
