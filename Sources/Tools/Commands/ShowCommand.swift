internal import ArgumentParser
internal import Foundation
internal import OrderedCollections
internal import PthCodec
internal import Tensors

/// `pth show`: what is in a tensor.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a tensor's values, statistics, histogram or picture.",
    discussion: """
      Without NAME, all tensors' statistics are listed, or the only tensor is \
      shown. --index takes one part along the first dimension: of a dataset, \
      an image, with its label if the file of labels lies beside. --png draws \
      a sheet of images or of a convolution's kernels with gnuplot.

      Minimum, maximum, mean and deviation are those of the finite elements.

      Exit code 0: done, 65: no such tensor or index, 66: no such file, 73: \
      the picture is there already, 74: gnuplot is missing or failed.

      Examples:
        pth show train_data.pth --index 7
        pth show train_data.pth --png digits.png
        pth show hw7_21307303_liuzhuoyi.pth cnn.0.weight
      """
  )

  @Argument(help: "The checkpoint; - for standard input.", completion: .file())
  var file: String

  @Argument(help: "The tensor's name.")
  var name: String?

  @Option(help: "The index along the first dimension.")
  var index: Int?

  @Option(
    help: ArgumentHelp(
      "The picture to write.",
      valueName: "file"
    ),
    completion: .file()
  )
  var png: String?

  @Flag(help: "Replace an existing picture.")
  var force = false

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  func run() throws {
    let checkpoint = try Checkpoint.open(
      StandardInput.path(for: file),
      options: limits.readOptions
    )
    guard let name = name ?? onlyName(of: checkpoint) else {
      guard index == nil, png == nil else {
        throw Failure(
          Exit.badData,
          "\(StandardInput.name(of: file)): it has "
            + "\(Text.count(checkpoint.tensors.count, "tensor")); name one of "
            + "them: `pth info` lists them"
        )
      }
      return try list(checkpoint)
    }
    let whole = try checkpoint.tensor(name)
    let tensor = try part(of: whole, name)
    try checkpoint.checkRepeats(of: [tensor])
    if let png {
      return try draw(tensor, to: png)
    }
    try show(tensor, name)
  }

  private func onlyName(of checkpoint: Checkpoint) -> String? {
    checkpoint.tensors.count == 1 ? checkpoint.tensors.keys.first : nil
  }

  private func part(of tensor: Tensor, _ name: String) throws -> Tensor {
    guard let index else { return tensor }
    guard let part = try tensor.part(at: index) else {
      throw Failure(
        Exit.badData,
        "\(file): \(name) has the shape \(tensor.shape), so it has no index "
          + "\(index)"
      )
    }
    return part
  }

  private func list(_ checkpoint: Checkpoint) throws {
    try checkpoint.checkRepeats()
    let label = "reading \(StandardInput.name(of: file))"
    let total = checkpoint.tensors.values.reduce(0) { $0 &+ $1.byteCount }
    var rows: [(name: String, row: TensorRow)] = []
    try ProgressBar.during(label) { progress in
      var done = 0
      for (name, tensor) in checkpoint.tensors {
        let size = tensor.byteCount / max(1, tensor.elementCount)
        let row = try TensorText(tensor).row { [done] elements in
          progress(done &+ elements &* size, total)
        }
        rows.append((Text.printable(name), row))
        done &+= tensor.byteCount
      }
    }
    let titles = ["TENSOR", "MIN", "MAX", "MEAN", "STD", "ZEROS", "NON-FINITE"]
    let tables = [6, 4, 3].map { digits in
      var table = Table(titles, rightAligned: [1, 2, 3, 4, 5, 6])
      for (name, row) in rows {
        table.add([name] + row.cells(digits: digits))
      }
      return table
    }
    // A name says more than the last digits do.
    let limit = Terminal.width ?? .max
    let table = tables.first { $0.width <= limit } ?? tables[tables.count - 1]
    guard table.leastWidth() > limit else {
      return print(table.text(), terminator: "")
    }
    for (name, row) in rows {
      let cells = row.cells(digits: 6)
      let facts =
        cells.count == 1
        ? cells
        : zip(titles.dropFirst(), cells).map { "\($0.lowercased()) \($1)" }
      print(Style.bold(TextWidth.elided(name, to: limit)))
      print(TextWidth.wrapped("  " + facts.joined(separator: "  ")))
    }
  }

  private func show(_ tensor: Tensor, _ name: String) throws {
    let place = index.map { "[\($0)]" } ?? ""
    let heading = "\(Text.printable(name))\(place): \(tensor.dtype) "
    print(Style.bold(heading + "\(tensor.shape)"))
    if let index, let label = labels(from: index, count: 1).first {
      print("label: \(label)")
    }
    if index != nil, let picture = try PixelArt(tensor, maxTiles: 1) {
      print(picture.text(), terminator: "")
    }
    print(
      try TensorText(tensor).text(file: StandardInput.name(of: file)),
      terminator: ""
    )
  }

  // MARK: Labels and pictures

  /// The labels of a dataset's images, from the file beside it.
  private func labels(from start: Int, count: Int) -> [Int] {
    let pairs = [("_data.", "_labels."), ("-images-idx3-", "-labels-idx1-")]
    let paths = pairs.compactMap { images, labels in
      file.range(of: images, options: .backwards)
        .map { file.replacingCharacters(in: $0, with: labels) }
    }
    guard name == nil, let path = paths.first else { return [] }
    guard FileManager.default.fileExists(atPath: path),
      let labels = try? Checkpoint.open(path).tensors.values.first,
      labels.shape.count == 1,
      let numbers = try? labels.converted(to: .int64).elements(as: Int64.self)
    else { return [] }
    return numbers.dropFirst(start).prefix(count).map { Int($0) }
  }

  private func draw(_ tensor: Tensor, to path: String) throws {
    guard force || !FileManager.default.fileExists(atPath: path) else {
      throw FileError(.create, path: path, code: EEXIST)
    }
    let tiles = 100
    guard let picture = try PixelArt(tensor, maxTiles: tiles) else {
      throw Failure(
        Exit.badData,
        "\(file): a picture needs two dimensions of at most "
          + "\(PixelArt.mostPixels) pixels, not \(tensor.shape)"
      )
    }
    let first = index ?? 0
    let labels = labels(from: first, count: index == nil ? tiles : 1)
    do {
      try Gnuplot.run(
        picture.script(writing: [path], labels: labels.map(String.init))
      )
    } catch {
      throw Failure(Exit.ioFailure, "\(path): \(error)")
    }
    let part =
      picture.count < picture.total
      ? ": the first \(picture.count) of \(Text.count(picture.total)) images"
      : ""
    print("saved \(path)\(part)")
  }
}
