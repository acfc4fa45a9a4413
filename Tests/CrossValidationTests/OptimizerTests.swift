import OrderedCollections
import PthCodec
import Tensors
import TestSupport
import Testing

/// States of PyTorch's optimizers, read, changed and given back.
@Suite("Optimizers of PyTorch and of Swift")
struct OptimizerTests {
  private struct Linear: Module {
    var weight: Parameter<Float>
    var bias: Parameter<Float>

    init(_ inputs: Int, _ outputs: Int) {
      weight = Parameter(shape: [outputs, inputs])
      bias = Parameter(shape: [outputs])
    }

    mutating func visitParameters(_ visitor: inout ModuleVisitor) {
      visitor.visit(&weight, "weight")
      visitor.visit(&bias, "bias")
    }
  }

  private struct Norm: Module {
    static let stateVersion = 2

    var weight = Parameter<Float>(shape: [2])
    var bias = Parameter<Float>(shape: [2])
    var mean = Parameter<Float>(shape: [2], repeating: 7)
    var variance = Parameter<Float>(shape: [2], repeating: 1)
    var batches = Parameter<Int64>(shape: [], repeating: 0)

    mutating func visitParameters(_ visitor: inout ModuleVisitor) {
      visitor.visit(&weight, "weight")
      visitor.visit(&bias, "bias")
      visitor.visit(&mean, "running_mean", role: .buffer)
      visitor.visit(&variance, "running_var", role: .buffer)
      visitor.visit(&batches, "num_batches_tracked", role: .buffer)
    }
  }

  private struct Network: Module {
    var first = Linear(3, 2)
    var norm = Norm()
    var last = Linear(2, 1)

    mutating func visitParameters(_ visitor: inout ModuleVisitor) {
      visitor.scope(&first, "0")
      visitor.scope(&norm, "1")
      visitor.scope(&last, "2")
    }
  }

  /// The same network in PyTorch, and steps of an optimizer.
  private static let torch = """
    nn = torch.nn
    def network():
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    def step(net, optimizer, count):
        x = torch.arange(12.).reshape(4, 3) / 7
        for _ in range(count):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
    def make(kind, net):
        p = net.parameters()
        if kind == 'AdamW': return torch.optim.AdamW(p, lr=0.01)
        if kind == 'amsgrad': return torch.optim.Adam(p, lr=0.01, amsgrad=True)
        if kind == 'momentum':
            return torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True)
        if kind == 'groups':
            return torch.optim.AdamW([
                {'params': list(net[2].parameters()), 'lr': 0.5},
                {'params': list(net[0].parameters()) + list(net[1].parameters())}])
        return torch.optim.SGD(p, lr=0.01)

    """

  static let kinds = ["AdamW", "amsgrad", "momentum", "plain", "groups"]

  // Groups have one tuple of betas together, which is not kept.
  @Test(
    "a state that is read and written is the very file",
    arguments: kinds.dropLast()
  )
  func sameBytes(kind: String) throws {
    try withTemporaryDirectory { folder in
      let file = folder.file("optimizer.pth")
      try Python.run(
        Self.torch + """
          net = network()
          optimizer = make(kind, net)
          step(net, optimizer, 3)
          torch.save(optimizer.state_dict(), file)
          """,
        ["kind": .text(kind), "file": .text(file)]
      )
      let state = try OptimizerState(Checkpoint.open(file))
      let again = try TemporaryDirectory()
      let options = try WriteOptions(layout: EditingTests.layout())
      try Checkpoint(state.value)
        .save(to: again.file("optimizer.pth"), options: options)
      #expect(try readFile(again.file("optimizer.pth")) == readFile(file))
    }
  }

  @Test("averages are a model of Swift's, and go back", arguments: kinds)
  func averages(kind: String) throws {
    try withTemporaryDirectory { folder in
      let (file, back) = (folder.file("in.pth"), folder.file("out.pth"))
      try Python.run(
        Self.torch + """
          net = network()
          optimizer = make(kind, net)
          step(net, optimizer, 3)
          torch.save({'optimizer': optimizer.state_dict(),
                      'model': net.state_dict()}, file)
          """,
        ["kind": .text(kind), "file": .text(file)]
      )
      let checkpoint = try Checkpoint.open(file)
      var state = try OptimizerState(checkpoint, at: "optimizer")
      var network = Network()
      try network.load(checkpoint.part("model").stateDict)
      let names = try #require(
        [
          "AdamW": ["exp_avg", "exp_avg_sq"],
          "amsgrad": ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
          "momentum": ["momentum_buffer"], "plain": [],
          "groups": ["exp_avg", "exp_avg_sq"],
        ][kind]
      )
      let keys =
        kind == "groups"
        ? ["2.weight", "2.bias", "0.weight", "0.bias", "1.weight", "1.bias"]
        : nil
      // All that the optimizer knows of the parameters is made anew.
      var fresh = OptimizerState(groups: state.groups)
      for name in names {
        var averages = try state.values(name, like: network, keys: keys)
        #expect(averages.norm.mean.values == network.norm.mean.values)
        let weight = try checkpoint.tensor(
          "optimizer.state.\(kind == "groups" ? 2 : 0).\(name)"
        )
        #expect(try averages.first.weight.values == weight.elements())
        averages.first.weight.values[0] += 1
        try fresh.set(name, to: averages, keys: keys)
      }
      if let steps = state.parameters.values.first?["step"]?.number {
        #expect(steps == 3)
        try fresh.set("step") { _ in
          .tensor(try Tensor([Float(steps)], shape: []))
        }
      }
      if kind == "plain" { fresh.parameters = state.parameters }
      state = fresh
      try Checkpoint(state.value).save(to: back)
      let wrong: [String] = try Python.value(
        Self.torch + """
          from compare import differences
          a, b = network(), network()
          result = []
          for net, path in ((a, file), (b, back)):
              saved = load(path)
              net.load_state_dict(load(file)['model'])
              optimizer = make(kind, net)
              state = saved.get('optimizer', saved)
              for entry in state['state'].values():
                  for name, value in entry.items():
                      if path == file and name in names.split():
                          if value.shape == (2, 3): value[0, 0] += 1
              optimizer.load_state_dict(state)
              step(net, optimizer, 2)
          for k, v in a.state_dict().items():
              if not torch.equal(v, b.state_dict()[k]): result.append(k)
          """,
        [
          "kind": .text(kind), "file": .text(file), "back": .text(back),
          "names": .text(names.joined(separator: " ")),
        ]
      )
      #expect(wrong == [])
    }
  }

  @Test("what is no optimizer's state is told with its path")
  func refuses() throws {
    let file = Fixture.path("torch-2.13/training.pth")
    let training = try Checkpoint.open(file)
    for (path, expected) in [
      ("model", "model"), ("optimizer.state", "optimizer.state"),
      ("history", "history"),
    ] {
      let error = #expect(throws: CheckpointError.self) {
        try OptimizerState(training, at: path)
      }
      #expect(error?.keyPath == expected)
      #expect(error?.file == file)
    }
    let foreign = try Checkpoint.open(
      Fixture.path("formats/all.safetensors")
    )
    #expect(throws: CheckpointError.self) { try OptimizerState(foreign) }
  }

  @Test("numbers without keys are not guessed")
  func doesNotGuess() throws {
    let options: OptimizerState.Values = ["lr": .float(0.1)]
    var state = OptimizerState(groups: [
      .init(parameters: [.number(0)], options: options),
      .init(parameters: [.number(1)], options: options),
    ])
    let error = #expect(throws: CheckpointError.self) {
      try state.set("exp_avg", to: Network())
    }
    #expect(error?.keyPath == "param_groups.0.params.0")
    #expect(error?.hint != nil)
    state.groups = [.init(parameters: [.number(6)], options: options)]
    #expect(throws: CheckpointError.self) {
      try state.set("exp_avg", to: Network())
    }
    // Keys of their own, as distributed checkpoints have them.
    state.groups = [
      .init(parameters: [.key("1.bias")], options: options),
      .init(
        parameters: [.number(0)],
        options: ["param_names": .list([.string("2.weight")])]
      ),
    ]
    try state.set("exp_avg", to: Network())
    #expect(
      try state.tensors("exp_avg", keys: []).keys == ["1.bias", "2.weight"]
    )
    #expect(throws: StateDictMismatch.self) {
      try state.values("exp_avg", like: Network())
    }
  }
}
