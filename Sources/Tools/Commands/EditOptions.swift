internal import ArgumentParser
internal import PthCodec
internal import Tensors

/// What `pth convert` changes on the way.
///
/// The order is: take a part, drop parts, choose by name, strip prefixes and
/// rename, convert elements, compact.
struct EditOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Take one part of the object as the new root: model.",
      valueName: "path"
    )
  )
  var key: String?

  @Option(
    help: ArgumentHelp(
      "Drop a part of the object: optimizer. Repeatable.",
      valueName: "path"
    )
  )
  var drop: [String] = []

  @Option(
    help: ArgumentHelp(
      "Take what matches: 'fc.*'. Repeatable.",
      valueName: "glob"
    )
  )
  var include: [String] = []

  @Option(
    help: ArgumentHelp(
      "Leave out what matches. Repeatable.",
      valueName: "glob"
    )
  )
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "Take a prefix off all names: module. Repeatable.",
      valueName: "prefix"
    )
  )
  var stripPrefix: [String] = []

  @Option(
    help: ArgumentHelp(
      "Rename: REGEX=TEMPLATE, with \\1 for a group. Repeatable.",
      valueName: "rule"
    )
  )
  var rename: [String] = []

  @Option(
    help: ArgumentHelp(
      "Rename by a table: a line old<TAB>new for each.",
      valueName: "file"
    ),
    completion: .file()
  )
  var map: String?

  @Option(
    help: "Convert floating-point tensors: float16, bfloat16, …",
    completion: .list(DType.allCases.map(\.rawValue))
  )
  var dtype: String?

  @Flag(help: "Cut storages of which only a view is saved.")
  var compact = false

  func validate() throws {
    do {
      var map = NameMap()
      for text in rename { try map.addRename(text) }
    } catch {
      throw ValidationError("\(error)")
    }
    guard let dtype, try targetDType() == nil, !isBlockType else { return }
    throw ValidationError(
      "there is no dtype \"\(dtype)\"; PyTorch's names are meant, such as "
        + "float16, bfloat16 or float32 (and q8_0, q4_0 for GGUF)"
    )
  }

  /// GGUF's block types are the writer's matter, not a dtype.
  var isBlockType: Bool {
    ["q8_0", "q4_0"].contains(dtype?.lowercased())
  }

  private func targetDType() throws -> DType? {
    dtype.flatMap {
      DType(rawValue: $0.hasPrefix("torch.") ? String($0.dropFirst(6)) : $0)
    }
  }

  /// The checkpoint with everything changed as asked for.
  func applied(to source: Checkpoint) throws -> Checkpoint {
    var checkpoint = source
    do {
      if let key { checkpoint = try checkpoint.part(key) }
      checkpoint = try checkpoint.dropping(drop)
      if !include.isEmpty || !exclude.isEmpty {
        checkpoint = try checkpoint.filtered(
          including: include,
          excluding: exclude
        )
      }
      for prefix in stripPrefix {
        checkpoint = try checkpoint.strippingPrefix(prefix)
      }
      checkpoint = try checkpoint.renamed(by: renames())
      if let target = try targetDType() {
        checkpoint = try checkpoint.converted(to: target)
      }
      if compact { checkpoint = try checkpoint.compacted() }
      return checkpoint
    } catch let error as NameMapError {
      throw Failure(Exit.badData, "\(source.path ?? ""): \(error)")
    }
  }

  private func renames() throws -> NameMap {
    var result = NameMap()
    if let map {
      do {
        result = try NameMap(parsing: TextFile.read(map))
      } catch let error as NameMapError {
        throw Failure(Exit.badData, "\(map): \(error)")
      }
    }
    for text in rename { try result.addRename(text) }
    return result
  }
}
