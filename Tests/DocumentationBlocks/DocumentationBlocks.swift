/// Runs the code of the documents, each file's in the order of its blocks.
///
/// A region between `// block` and `// end` is the block of a document letter
/// by letter; DocumentationTests compares them and runs this program.
@main
enum DocumentationBlocks {
  static func main() throws {
    switch CommandLine.arguments.last {
    case "readme": try readme()
    case "landing-page": try landingPage()
    case "load-a-dataset": try loadADataset()
    case "map-a-checkpoint": try mapACheckpoint()
    case "write-a-checkpoint": try writeACheckpoint()
    case "add-a-format": try addAFormat()
    case "comments": try comments()
    default: throw UnknownDocument()
    }
  }
}

/// The argument names no document.
struct UnknownDocument: Error {}
