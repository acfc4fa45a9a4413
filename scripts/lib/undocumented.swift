// Lists the public symbols without a comment in a folder of symbol graphs, and
// ends with status 1 where there are some.
//
//   swift undocumented.swift FOLDER
import Foundation

struct SymbolGraph: Decodable {
  struct Symbol: Decodable {
    struct Comment: Decodable {
      struct Line: Decodable { let text: String }
      let lines: [Line]
    }
    struct Location: Decodable {
      struct Position: Decodable { let line: Int }
      let uri: String
      let position: Position
    }
    let pathComponents: [String]
    let docComment: Comment?
    let location: Location?

    /// Whether the comment says anything.
    var isDocumented: Bool {
      docComment?.lines.contains { line in
        line.text.contains { !$0.isWhitespace }
      } ?? false
    }
  }
  let symbols: [Symbol]
}

let folder = URL(fileURLWithPath: CommandLine.arguments.last ?? ".")
let files = FileManager.default.enumerator(
  at: folder,
  includingPropertiesForKeys: nil
)
var count = 0
var bare: [String] = []
for case let file as URL in files ?? .init()
where file.path.hasSuffix(".symbols.json") {
  let graph = try JSONDecoder().decode(
    SymbolGraph.self,
    from: Data(contentsOf: file)
  )
  for symbol in graph.symbols {
    count += 1
    guard !symbol.isDocumented else { continue }
    let place =
      symbol.location.map { location in
        let path = location.uri.components(separatedBy: "/Sources/").last ?? ""
        return "Sources/\(path):\(location.position.line + 1)"
      } ?? file.lastPathComponent
    bare.append(
      "\(place): \(symbol.pathComponents.joined(separator: ".")) has no comment"
    )
  }
}
for line in bare.sorted() { print(line) }
guard count > 0 else {
  print("\(folder.path) has no symbols")
  exit(1)
}
print("\(count) public symbols, \(bare.count) without a comment")
exit(bare.isEmpty ? 0 : 1)
