internal import OrderedCollections

/// What this package keeps in `__metadata__` beside the user's texts.
///
/// Keys with the prefix `pth.` are ours; other programs pass them over.
/// ``SafetensorsPickle`` has the others.
enum SafetensorsExtras {
  /// The modules' versions, as a JSON object of paths and integers.
  static let moduleVersionsKey = "pth.module_versions"

  /// Names the framework where there are texts: Hugging Face's transformers
  /// refuses a file whose texts don't.
  static func addFormat(to metadata: inout OrderedDictionary<String, String>) {
    guard !metadata.isEmpty, metadata["format"] == nil else { return }
    metadata["format"] = "pt"
  }

  /// Adds the modules' versions, if there are any.
  static func addModuleVersions(
    of checkpoint: Checkpoint,
    to metadata: inout OrderedDictionary<String, String>
  ) {
    guard !checkpoint.moduleVersions.isEmpty else { return }
    metadata[moduleVersionsKey] =
      JSONValue.object(
        checkpoint.moduleVersions.map { ($0.key, .int($0.value)) }
      )
      .text()
  }

  /// Moves the modules' versions out of the texts.
  ///
  /// - Throws: ``CheckpointError`` where the text is not as this package
  ///   writes it.
  static func takeModuleVersions(
    from checkpoint: inout Checkpoint
  ) throws(CheckpointError) {
    guard let text = checkpoint.metadata.removeValue(forKey: moduleVersionsKey)
    else { return }
    var versions: OrderedDictionary<String, Int> = [:]
    var reader = JSONReader(Array(text.utf8))
    do {
      try reader.readObject { key, reader throws(CheckpointError) in
        versions[key] = try reader.readCount()
      }
      try reader.expectEnd()
    } catch {
      throw error.located(
        keyPath: SafetensorsHeader.metadataKey + "." + moduleVersionsKey
      )
    }
    checkpoint.moduleVersions = versions
  }
}
