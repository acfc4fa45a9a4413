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

      Example: pth show train_data.pth --index 7
      """
  )

  @Argument(help: "The checkpoint.")
  var file: String

  @Argument(help: "The tensor's name.")
  var name: String?

  @Option(help: "The index along the first dimension.")
  var index: Int?

  @Option(help: "The picture to write.")
  var png: String?

  @Flag(help: "Replace an existing picture.")
  var force = false

  func run() throws {
    let checkpoint = try Checkpoint.open(file)
    guard let name = name ?? onlyName(of: checkpoint) else {
      guard index == nil, png == nil else {
        throw Failure(
          Exit.badData,
          "\(file): it has \(checkpoint.tensors.count) tensors; name one of "
            + "them"
        )
      }
      return try list(checkpoint)
    }
    let whole = try checkpoint.tensor(name)
    let tensor = try part(of: whole, name)
    if let png {
      try draw(tensor, to: png)
      return print("saved \(png)")
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

  // MARK: Text

  private func list(_ checkpoint: Checkpoint) throws {
    var rows = [["TENSOR", "MIN", "MAX", "MEAN", "STD", "ZEROS", "NON-FINITE"]]
    for (name, tensor) in checkpoint.tensors {
      guard tensor.hasNumbers else {
        rows.append([Text.printable(name), "\(tensor.dtype)"])
        continue
      }
      let statistics = try TensorStatistics(tensor)
      let isEmpty = statistics.finite == 0
      rows.append([
        Text.printable(name),
        isEmpty ? "" : number(statistics.minimum),
        isEmpty ? "" : number(statistics.maximum),
        isEmpty ? "" : number(statistics.mean),
        isEmpty ? "" : number(statistics.deviation),
        Text.count(statistics.zeros), Text.count(statistics.nonFinite),
      ])
    }
    print(
      Text.table(
        rows,
        rightAligned: [1, 2, 3, 4, 5, 6],
        maxWidth: Terminal.width
      ),
      terminator: ""
    )
  }

  private func show(_ tensor: Tensor, _ name: String) throws {
    let place = index.map { "[\($0)]" } ?? ""
    print("\(Text.printable(name))\(place): \(tensor.dtype) \(tensor.shape)")
    if let index, let label = labels(from: index, count: 1).first {
      print("label: \(label)")
    }
    guard tensor.hasNumbers else {
      return print("its elements are no real numbers that could be shown")
    }
    if index != nil, let picture = try PixelArt(tensor, maxTiles: 1) {
      print(picture.text(isColored: PixelArt.isColored), terminator: "")
    }
    let statistics = try TensorStatistics(tensor)
    if statistics.finite > 0 {
      print(
        "min \(number(statistics.minimum))  max \(number(statistics.maximum))"
          + "  mean \(number(statistics.mean))"
          + "  std \(number(statistics.deviation))"
      )
    }
    print(
      "elements \(Text.count(statistics.count))"
        + "  zeros \(Text.count(statistics.zeros))"
        + "  non-finite \(Text.count(statistics.nonFinite))"
    )
    if statistics.finite > 1, statistics.maximum > statistics.minimum {
      try showHistogram(of: tensor, statistics)
    }
    try showValues(of: tensor)
  }

  private func showHistogram(
    of tensor: Tensor,
    _ statistics: TensorStatistics
  ) throws {
    let bins = 12
    let counts = try statistics.histogram(of: tensor, bins: bins)
    let most = max(1, counts.max() ?? 1)
    var rows: [[String]] = []
    for (bin, count) in counts.enumerated() {
      let part = Double(bin) / Double(bins)
      let start = statistics.minimum * (1 - part) + statistics.maximum * part
      let width = Int((Double(count) / Double(most) * 40).rounded(.up))
      rows.append([
        number(start), Text.count(count),
        String(repeating: "█", count: width),
      ])
    }
    print(Text.table(rows, rightAligned: [0, 1]), terminator: "")
  }

  private func showValues(of tensor: Tensor) throws {
    let limit = 64
    var values: [String] = []
    try tensor.forEachNumber { value in
      if values.count < limit { values.append(number(value)) }
    }
    let more = tensor.elementCount > limit ? " …" : ""
    print("values: " + values.joined(separator: " ") + more)
  }

  private func number(_ value: Double) -> String {
    if value == value.rounded(), value.magnitude < 1e15 {
      return "\(Int(value))"
    }
    return value.magnitude >= 1e-4 && value.magnitude < 1e6
      ? Text.fixed(value, 5) : "\(Float(value))"
  }

  // MARK: Labels and pictures

  /// The labels of a dataset's images, from the file beside it.
  private func labels(from start: Int, count: Int) -> [Int] {
    guard name == nil, let end = file.range(of: "_data.", options: .backwards)
    else { return [] }
    let path = file.replacingCharacters(in: end, with: "_labels.")
    guard FileManager.default.fileExists(atPath: path),
      let labels = try? Checkpoint.open(path).tensors.values.first,
      labels.shape.count == 1, labels.hasNumbers,
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
        "\(file): a picture needs two dimensions of at most 1024 pixels, not "
          + "\(tensor.shape)"
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
  }
}
