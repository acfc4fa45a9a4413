internal import OrderedCollections
internal import Pickle
internal import Tensors

/// A folder of `torch.distributed.checkpoint`, opened for reading.
///
/// Each part of a tensor, and each other value, is a whole zip archive of
/// `torch.save` at some place of a `.distcp` file.
struct DCPFolder {
  static let metadataName = ".metadata"

  private let folder: String
  private let options: ReadOptions
  private let metadata: DCPMetadata
  private var files: [String: MappedFile] = [:]

  init(_ folder: String, options: ReadOptions) throws {
    self.folder = folder
    self.options = options
    let path = folder + "/" + Self.metadataName
    let file = try MappedFile.open(path)
    let graph = try decodePickle(
      Storage(mapping: file, range: 0..<file.count),
      limits: options.pickle,
      file: path,
      record: nil
    )
    do throws(CheckpointError) {
      metadata = try DCPMetadata(graph)
    } catch {
      throw error.located(file: path)
    }
  }

  /// Names everything, and builds the nested object that torch would load.
  mutating func checkpoint() throws -> Checkpoint {
    var tree = DCPTree(limit: metadata.entries.count)
    for (name, entry) in metadata.entries {
      do {
        let path = metadata.paths[name] ?? [.key(name)]
        switch entry {
        case .tensor(let entry):
          let tensor = try tensor(entry, name).tensor()
          try tree.add(tensor, at: path)
        case .object:
          let index = DCPMetadata.Index(name: name, offset: nil)
          let place = try place(index)
          let content = try archive(place, index).checkpoint(as: .dcp)
          try tree.add(content, at: path)
        }
      } catch let error as CheckpointError {
        throw error.located(file: folder, keyPath: name)
      } catch let error as ArchiveError {
        throw CheckpointError(
          .damaged,
          error.message,
          file: error.file,
          record: error.record,
          offset: error.offset,
          keyPath: name
        )
      }
    }
    let content = try tree.content()
    return try Checkpoint(walking: content, as: .dcp)
  }

  private mutating func tensor(
    _ entry: DCPMetadata.TensorEntry,
    _ name: String
  ) throws -> DCPTensor {
    guard !entry.dtype.isPacked else {
      throw CheckpointError(
        .unsupported,
        "parts of \(entry.dtype) tensors share bytes"
      )
    }
    var places: [[Int]: DCPMetadata.Place] = [:]
    for chunk in entry.chunks where !chunk.sizes.contains(0) {
      places[chunk.offsets] = try place(
        DCPMetadata.Index(name: name, offset: chunk.offsets)
      )
    }
    let files = files
    let options = options
    return try DCPTensor(entry) { chunk, byteCount in
      guard let place = places[chunk.offsets], let file = files[place.file],
        place.length >= byteCount
      else {
        throw CheckpointError(
          .damaged,
          "a part at \(chunk.offsets) needs \(byteCount) bytes, more than "
            + "there are"
        )
      }
      let dtype = entry.dtype
      return {
        try Self.read(place, file, chunk, dtype, options, name: name)
      }
    }
  }

  /// Reads a part of a tensor.
  private static func read(
    _ place: DCPMetadata.Place,
    _ file: MappedFile,
    _ chunk: DCPMetadata.Chunk,
    _ dtype: DType,
    _ options: ReadOptions,
    name: String
  ) throws -> Tensor {
    let range = place.offset..<place.offset + place.length
    let archive = try TorchArchive(
      ArchiveBytes(file, range: range),
      options: options
    )
    let content = try archive.checkpoint(as: .dcp)
    guard let tensor = content.tensors.values.first,
      content.tensors.count == 1, tensor.dtype == dtype,
      tensor.shape == chunk.sizes
    else {
      throw CheckpointError(
        .damaged,
        "the part at \(chunk.offsets) is not a \(dtype) tensor of size "
          + "\(chunk.sizes)",
        file: file.path,
        offset: place.offset,
        keyPath: name
      )
    }
    return try tensor.resolved()
  }

  private func archive(
    _ place: DCPMetadata.Place,
    _ index: DCPMetadata.Index
  ) throws -> TorchArchive {
    guard let file = files[place.file] else { throw missing(index) }
    let range = place.offset..<place.offset + place.length
    return try TorchArchive(ArchiveBytes(file, range: range), options: options)
  }

  /// Where an item is: inside of a file that is there.
  private mutating func place(
    _ index: DCPMetadata.Index
  ) throws -> DCPMetadata.Place {
    guard let place = metadata.places[index] else { throw missing(index) }
    let parts = place.file.split(
      separator: "/",
      omittingEmptySubsequences: false
    )
    guard !parts.contains(where: { ["", ".", ".."].contains($0) }),
      !place.file.utf8.contains(0)
    else {
      throw CheckpointError(
        .damaged,
        "\"\(place.file)\" is not a file in this folder"
      )
    }
    if files[place.file] == nil {
      files[place.file] = try MappedFile.open(folder + "/" + place.file)
    }
    guard let file = files[place.file],
      let range = Range(start: place.offset, count: place.length),
      range.upperBound <= file.count
    else {
      throw CheckpointError(
        .damaged,
        "\(place.file) should have \(place.length) bytes at \(place.offset), "
          + "but has \(files[place.file]?.count ?? 0) in all",
        hint: "the file was cut; get it again"
      )
    }
    return place
  }

  private func missing(_ index: DCPMetadata.Index) -> CheckpointError {
    CheckpointError(
      .damaged,
      "the metadata does not say where "
        + (index.offset.map { "the part at \($0)" } ?? "the value") + " is"
    )
  }
}
