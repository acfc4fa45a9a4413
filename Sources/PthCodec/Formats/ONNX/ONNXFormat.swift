internal import ONNXSchema
internal import OrderedCollections
internal import Tensors

/// The course's network as a graph that onnxruntime and others run.
///
/// The messages are swift-protobuf's; see `Sources/ONNXSchema/onnx.proto`.
public struct ONNXFormat: CheckpointFormat {
  /// Makes the format.
  public init() {}

  public var descriptor: FormatDescriptor {
    FormatDescriptor(
      id: .onnx,
      aliases: [],
      suffixes: ["onnx"],
      canRead: false,
      canWrite: true,
      summary: "the course's network as a graph with its weights"
    )
  }

  public func losses(
    writing checkpoint: Checkpoint,
    options: WriteOptions
  ) -> [ConversionLoss] {
    var report = LossReport(.onnx)
    report.addTensorTraits(of: checkpoint)
    report.addValues(of: checkpoint)
    report.addObject(of: checkpoint)
    for name in checkpoint.tensors.keys
    where ONNXNetwork.parameters[name] == nil
      && !ONNXNetwork.counters.contains(name)
    {
      report.add(name, "the graph has no such parameter")
    }
    return report.losses
  }

  public func write(
    _ checkpoint: Checkpoint,
    to path: String,
    options: WriteOptions
  ) throws {
    let bytes = try ONNXNetwork.model(of: checkpoint).fileBytes()
    let file = try TensorFile(path, size: bytes.count, options: options)
    try file.write(bytes)
    try file.commit()
  }
}
