import Foundation
import TestSupport

/// A fenced block of code in a document or in a source's comment.
struct CodeBlock: Sendable {
  let file: String
  let line: Int
  let language: String
  /// The lines between the fences.
  let lines: [String]

  /// The modules that it imports.
  var imports: [String] { lines.filter { $0.hasPrefix("import ") } }

  /// What is left without the imports.
  var body: [String] {
    Array(
      lines.filter { !$0.hasPrefix("import ") }.drop { $0.isEmpty }
    )
  }
}

/// The project's documents, and the comments in its sources.
enum Documents {
  /// The documents for those who use the package.
  static let markdown =
    ["README.md", "README.zh-CN.md", "Examples/README.md"]
    + files(in: "Sources", suffix: ".md")

  /// The sources, whose comments become the reference.
  static let sources = files(in: "Sources", suffix: ".swift")

  /// Every fenced block.
  static func blocks() throws -> [CodeBlock] {
    var blocks: [CodeBlock] = []
    for file in markdown {
      blocks += fenced(in: try lines(of: file), of: file)
    }
    for file in sources {
      let comments = try lines(of: file).map { line in
        let text = line.drop { $0 == " " }
        guard text.hasPrefix("///") else { return "" }
        return String(text.dropFirst(text.hasPrefix("/// ") ? 4 : 3))
      }
      blocks += fenced(in: comments, of: file)
    }
    return blocks
  }

  /// The lines of a file, by its path below the package's root.
  static func lines(of file: String) throws -> [String] {
    let bytes = try readFile(Fixture.packageRoot + "/" + file)
    return String(decoding: bytes, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }

  private static func fenced(
    in lines: [String],
    of file: String
  ) -> [CodeBlock] {
    var blocks: [CodeBlock] = []
    var start: Int?
    for (index, line) in lines.enumerated() where line.hasPrefix("```") {
      guard let first = start else {
        start = index
        continue
      }
      blocks.append(
        CodeBlock(
          file: file,
          line: first + 1,
          language: String(lines[first].dropFirst(3)),
          lines: Array(lines[(first + 1)..<index])
        )
      )
      start = nil
    }
    return blocks
  }

  /// Blocks of shell commands: runs of indented lines outside of fences.
  static func commands(in file: String) throws -> [[String]] {
    var isFenced = false
    return try lines(of: file)
      .map { line in
        if line.hasPrefix("```") { isFenced.toggle() }
        return isFenced ? "" : line
      }
      .split { !$0.hasPrefix("    ") }
      .map { $0.map { String($0.dropFirst(4)) } }
  }

  private static func files(in folder: String, suffix: String) -> [String] {
    let root = Fixture.packageRoot + "/" + folder
    let names = FileManager.default.enumerator(atPath: root)
    return (names?.compactMap { $0 as? String } ?? [])
      .filter { $0.hasSuffix(suffix) }
      .map { folder + "/" + $0 }
      .sorted()
  }
}
