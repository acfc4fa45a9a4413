internal import ONNXSchema
internal import OrderedCollections
internal import Tensors

/// The course's network as an ONNX graph.
///
/// The graph takes `images`, float32 `[N, 1, 28, 28]`, and gives
/// `probabilities`, float32 `[N, 10]`.
struct ONNXNetwork {
  /// The parameters of the graph by PyTorch's keys.
  static let parameters: OrderedDictionary<String, [Int]> = [
    "cnn.0.weight": [16, 1, 3, 3], "cnn.0.bias": [16],
    "cnn.1.weight": [16], "cnn.1.bias": [16],
    "cnn.1.running_mean": [16], "cnn.1.running_var": [16],
    "cnn.4.weight": [32, 16, 3, 3], "cnn.4.bias": [32],
    "cnn.5.weight": [32], "cnn.5.bias": [32],
    "cnn.5.running_mean": [32], "cnn.5.running_var": [32],
    "fc.0.weight": [392, 1568], "fc.0.bias": [392],
    "fc.2.weight": [196, 392], "fc.2.bias": [196],
    "fc.4.weight": [10, 196], "fc.4.bias": [10],
  ]

  /// What training counts; the graph keeps it as a text.
  static let counters = [
    "cnn.1.num_batches_tracked", "cnn.5.num_batches_tracked",
  ]

  private var nodes: [Onnx_NodeProto] = []
  private var last = "images"

  /// The model's message: the operators of version 17, in a file of version 8.
  ///
  /// - Throws: ``CheckpointError`` for a checkpoint of another network, and
  ///   what reading its tensors throws.
  static func model(
    of checkpoint: Checkpoint
  ) throws -> Onnx_ModelProto {
    try check(checkpoint)
    var graph = Onnx_GraphProto()
    graph.node = ONNXNetwork().nodes
    graph.name = "MyConvNet"
    graph.initializer = try parameters.keys.compactMap { name in
      try checkpoint.tensors[name].map { try ONNXGraph.initializer(name, $0) }
    }
    graph.input = [ONNXGraph.value("images", shape: [nil, 1, 28, 28])]
    graph.output = [ONNXGraph.value("probabilities", shape: [nil, 10])]

    var operators = Onnx_OperatorSetIdProto()
    operators.domain = ""
    operators.version = 17
    var model = Onnx_ModelProto()
    model.irVersion = 8
    model.producerName = "pth"
    model.graph = graph
    model.opsetImport = [operators]
    model.metadataProps = try texts(of: checkpoint)
      .map { ONNXGraph.property($0.key, $0.value) }
    return model
  }

  private static func texts(
    of checkpoint: Checkpoint
  ) throws -> OrderedDictionary<String, String> {
    var texts = checkpoint.metadata
    SafetensorsExtras.addModuleVersions(of: checkpoint, to: &texts)
    for name in counters {
      guard let tensor = checkpoint.tensors[name] else { continue }
      texts[name] = try tensor.elements(as: Int64.self).map(String.init)
        .joined()
    }
    return texts
  }

  private static func check(
    _ checkpoint: Checkpoint
  ) throws(CheckpointError) {
    for (name, shape) in parameters {
      let tensor: Tensor
      do {
        tensor = try checkpoint.tensor(name)
      } catch {
        throw CheckpointError(
          .mismatch,
          "ONNX is written for the course's network alone, and its "
            + "\(name) \(shape) is missing",
          keyPath: name,
          hint: error.hint
        )
      }
      guard tensor.shape == shape else {
        throw CheckpointError(
          .mismatch,
          "the shape is \(tensor.shape), the course's network has \(shape)",
          keyPath: name
        )
      }
      guard tensor.dtype == .float32 else {
        throw CheckpointError(
          .unsupported,
          "the graph takes float32, the tensor is \(tensor.dtype)",
          keyPath: name,
          hint: "convert it with --dtype float32"
        )
      }
    }
    for name in counters {
      guard let tensor = checkpoint.tensors[name] else { continue }
      guard tensor.dtype == .int64, tensor.shape == [] else {
        throw CheckpointError(
          .mismatch,
          "it should be one int64, and is \(tensor.dtype) \(tensor.shape)",
          keyPath: name
        )
      }
    }
  }

  private init() {
    addBlock(convolution: "cnn.0", normalization: "cnn.1", "cnn.2", "cnn.3")
    addBlock(convolution: "cnn.4", normalization: "cnn.5", "cnn.6", "cnn.7")
    add("Flatten", [], "flatten", [.int("axis", 1)])
    addLinear("fc.0")
    add("Relu", [], "fc.1")
    addLinear("fc.2")
    add("Relu", [], "fc.3")
    addLinear("fc.4")
    add("Softmax", [], "probabilities", [.int("axis", 1)])
  }

  private mutating func add(
    _ operation: String,
    _ parameters: [String],
    _ output: String,
    _ attributes: [ONNXGraph.Attribute] = []
  ) {
    nodes.append(
      ONNXGraph.node(
        operation,
        [last] + parameters,
        output: output,
        attributes
      )
    )
    last = output
  }

  private mutating func addBlock(
    convolution: String,
    normalization: String,
    _ activation: String,
    _ pooling: String
  ) {
    add(
      "Conv",
      [convolution + ".weight", convolution + ".bias"],
      convolution,
      [
        .ints("kernel_shape", [3, 3]), .ints("pads", [1, 1, 1, 1]),
        .ints("strides", [1, 1]),
      ]
    )
    add(
      "BatchNormalization",
      ["weight", "bias", "running_mean", "running_var"].map {
        normalization + "." + $0
      },
      normalization,
      // ONNX counts the old statistics' share, PyTorch the new ones'.
      [.float("epsilon", 1e-5), .float("momentum", 0.9)]
    )
    add("Relu", [], activation)
    add(
      "MaxPool",
      [],
      pooling,
      [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])]
    )
  }

  private mutating func addLinear(_ name: String) {
    add(
      "Gemm",
      [name + ".weight", name + ".bias"],
      name,
      [.int("transB", 1)]
    )
  }
}
