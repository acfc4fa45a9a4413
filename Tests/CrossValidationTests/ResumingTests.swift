import Foundation
import Tensors
import TestSupport
import Testing

@testable import ConvNet

/// A training run that changes its program between two epochs.
@Suite("Training goes on between PyTorch and pth")
struct ResumingTests {
  private static let seed = 5

  /// The four files of a small dataset, which PyTorch wrote.
  private static let data = Result {
    let folder = try TemporaryDirectory()
    _ = try torch("data", folder.path)
    return folder
  }

  /// What an epoch gave, as PyTorch tells it.
  private struct Record {
    let trainingLoss, trainingAccuracy: Double
    let validationLoss, validationAccuracy: Double

    init(_ numbers: [Double]) {
      trainingLoss = numbers[0]
      trainingAccuracy = numbers[1]
      validationLoss = numbers[2]
      validationAccuracy = numbers[3]
    }
  }

  /// Runs `training.py`.
  private static func torch(_ arguments: String...) throws -> Command.Outcome {
    let script =
      Fixture.packageRoot + "/Tests/CrossValidationTests/Python/training.py"
    let outcome = try Command.run(Python.program, [script] + arguments)
    #expect(outcome.status == 0, "\(outcome.messages)")
    return outcome
  }

  private static func records(_ outcome: Command.Outcome) throws -> [Record] {
    try outcome.json(as: [[Double]].self).map(Record.init)
  }

  /// Runs `pth train` to the end of the second epoch, or of another.
  private static func pth(
    into folder: TemporaryDirectory,
    epochs: Int = 2,
    state: String,
    _ more: String...
  ) throws {
    let run = try PthTool.run(
      ["train", data.get().path, "--student-id", "1", "--name", "liu"]
        + ["--output", folder.path, "--epochs", "\(epochs)"]
        + ["--save-state", state, "--seed", "\(seed)"] + more
    )
    #expect(run.status == 0, "\(run.messages)")
  }

  /// The numbers of an epoch in the run's log.
  private static func logged(
    _ epoch: Int,
    in folder: TemporaryDirectory
  ) throws -> Record {
    let log = try readFile(folder.file("hw7_1_liu_log.txt"))
    let lines = String(decoding: log, as: UTF8.self).split(separator: "\n")
    let line = try #require(lines.first { $0.hasPrefix("00\(epoch) ") })
    return Record(
      line.split(separator: " ").dropFirst().compactMap { Double($0) }
    )
  }

  private static func expectSame(_ one: Record, _ other: Record) {
    // 18 steps after the same start, and the log's five decimals.
    #expect(abs(one.trainingLoss - other.trainingLoss) < 1e-4)
    #expect(abs(one.validationLoss - other.validationLoss) < 1e-3)
    #expect(abs(one.trainingAccuracy - other.trainingAccuracy) < 1e-5)
    #expect(abs(one.validationAccuracy - other.validationAccuracy) < 1e-5)
  }

  /// How far two states are from each other, as PyTorch reads them.
  private struct Distance: Decodable {
    /// epoch, random state and best accuracy, the keys and the steps.
    let same: [Bool]
    /// The largest distance of two parameters or running variances.
    let model: Double
    /// The largest of what rounding alone moves.
    let means: Double
    /// The largest of the optimizer's averages, relative to the largest.
    let averages: Double
  }

  private static func distance(
    _ one: String,
    _ other: String
  ) throws -> Distance {
    try Python.value(
      """
      a, b = load(one), load(other)
      # A convolution's bias before BatchNorm has no gradient but rounding,
      # and the running mean goes with it.
      free = ['cnn.0.bias', 'cnn.4.bias', 'cnn.1.running_mean',
              'cnn.5.running_mean']
      states = [s['optimizer']['state'] for s in (a, b)]
      same = [
          a['epoch'] == b['epoch'],
          torch.equal(a['rng'], b['rng']),
          abs(a['best_acc'] - b['best_acc']) < 1e-6,
          list(a['model']) == list(b['model']),
          list(states[0]) == list(states[1]) == list(range(14)),
          all(int(states[0][i]['step']) == int(states[1][i]['step'])
              for i in states[0]),
      ]
      model = max((a['model'][k] - b['model'][k]).abs().max().item()
                  for k in a['model'] if k not in free)
      averages = 0.0
      for i in states[0]:
          for name in ('exp_avg', 'exp_avg_sq'):
              x, y = states[0][i][name], states[1][i][name]
              if x.shape != y.shape:
                  raise ValueError((i, name, x.shape, y.shape))
              if i not in (1, 5):
                  averages = max(averages, ((x - y).abs().max()
                                            / x.abs().max()).item())
      means = max((a['model'][k] - b['model'][k]).abs().max().item()
                  for k in free)
      result = {'same': same, 'model': model, 'averages': averages,
                'means': means}
      """,
      ["one": .text(one), "other": .text(other)]
    )
  }

  private static func expectClose(_ one: String, _ other: String) throws {
    let distance = try distance(one, other)
    #expect(distance.same == Array(repeating: true, count: 6))
    #expect(distance.model < 1e-4)
    #expect(distance.means < 0.02)
    #expect(distance.averages < 0.05)
  }

  @Test("pth goes on from a state of PyTorch as PyTorch does")
  func fromPyTorch() throws {
    try withTemporaryDirectory { folder in
      let first = folder.file("torch-1.pth")
      let second = folder.file("torch-2.pth")
      let whole = try Self.records(
        Self.torch(
          "train",
          Self.data.get().path,
          "\(Self.seed)",
          "2",
          "0",
          first,
          second
        )
      )
      let resumed = folder.file("pth-2.pth")
      try Self.pth(into: folder, state: resumed, "--resume", first)
      Self.expectSame(try Self.logged(2, in: folder), whole[1])
      try Self.expectClose(second, resumed)
      // And as a run of pth that nothing interrupted.
      let own = folder.file("own.pth")
      try Self.pth(into: folder, state: own)
      Self.expectSame(try Self.logged(1, in: folder), whole[0])
      Self.expectSame(try Self.logged(2, in: folder), whole[1])
      try Self.expectClose(own, resumed)
    }
  }

  @Test("PyTorch goes on from a state of pth as pth does")
  func toPyTorch() throws {
    try withTemporaryDirectory { folder in
      let first = folder.file("pth-1.pth")
      let second = folder.file("pth-2.pth")
      try Self.pth(into: folder, epochs: 1, state: first)
      let resumed = folder.file("torch-2.pth")
      let rest = try Self.records(
        Self.torch("resume", Self.data.get().path, first, "2", "0", resumed)
      )
      try Self.pth(into: folder, state: second)
      Self.expectSame(try Self.logged(2, in: folder), rest[0])
      try Self.expectClose(second, resumed)
    }
  }

  @Test(
    "a DataLoader with workers draws as one without, and as pth",
    arguments: [0, 2]
  )
  func workers(_ workers: Int) throws {
    struct Orders: Decodable {
      let epochs: [[[Int]]]
      let state: String
    }
    let orders: Orders = try Self.torch("orders", "7", "200", "2", "\(workers)")
      .json()
    var generator = TorchGenerator(seed: 7)
    for epoch in orders.epochs {
      let split = Split(of: 200, validationFraction: 0.1, &generator)
      // 180 images in eleven batches of 16, and 20 in one.
      #expect(epoch[0] == Array(generator.shuffled(split.training).prefix(176)))
      generator.drawBaseSeed()
      #expect(epoch[1] == Array(split.validation.prefix(16)))
    }
    #expect(try Tensor(generator.stateBytes).sha256() == orders.state)
  }
}
