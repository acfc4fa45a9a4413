// Times the training step and the evaluation of this package.
//
//     bench-train IMAGES LABELS THREADS
//
// IMAGES and LABELS are files of bytes, 784 and 1 an image. Each line of
// standard input is a task and how often to do it; the seconds that it took
// are printed. `train 300`: steps of 16 images. `batch 2000`: images, in
// batches. `single 300`: images, one at a time.
import ConvNet
import Foundation
import Tensors

/// What a line of standard input asks for.
private enum Task: String {
  case train
  case batch
  case single
}

private struct Bench {
  private let dataset: Dataset
  private let learner: Learner
  private let predictor: Predictor
  private let order: [Int]
  private let images: [[Float]]

  init(_ images: String, _ labels: String, threads: Int) throws {
    let pixels = try Data(contentsOf: URL(fileURLWithPath: images))
      .map { Float($0) / 255 }
    let digits = try Data(contentsOf: URL(fileURLWithPath: labels))
      .map { Int64($0) }
    dataset = try Dataset(
      images: Tensor(pixels, shape: [digits.count, 1, 28, 28]),
      labels: Tensor(digits)
    )
    let model = MyConvNet(seed: 1)
    learner = try Learner(model, threads: threads)
    predictor = try Predictor(model, threads: threads)
    order = Array(0..<digits.count)
    self.images = order.map { Array(pixels[$0 * 784..<($0 + 1) * 784]) }
  }

  /// Does a task; its seconds are returned.
  func run(_ task: Task, _ count: Int) throws -> Double {
    // As many images as asked for, made before the clock starts.
    let batch = try task == .batch ? repeated(count) : nil
    let clock = ContinuousClock()
    let time = try clock.measure {
      switch task {
      case .train: try train(count)
      case .batch: if let batch { _ = try predictor.probabilities(of: batch) }
      case .single: try single(count)
      }
    }
    return time / .seconds(1)
  }

  private func train(_ steps: Int) throws {
    let size = learner.batchSize
    let batches = order.count / size
    for step in 0..<steps {
      let first = step % batches * size
      _ = try learner.learn(from: dataset, order[first..<first + size])
    }
  }

  private func single(_ count: Int) throws {
    var output = [Float](repeating: 0, count: 10)
    for index in 0..<count {
      var target = output.mutableSpan
      let image = images[index % images.count]
      try predictor.probabilities(of: image.span, into: &target)
    }
  }

  private func repeated(_ count: Int) throws -> Tensor {
    var values: [Float] = []
    values.reserveCapacity(count * 784)
    for index in 0..<count { values += images[index % images.count] }
    return try Tensor(values, shape: [count, 1, 28, 28])
  }
}

private func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data("bench-train: \(message)\n".utf8))
  exit(64)
}

private let arguments = CommandLine.arguments
guard arguments.count == 4, let threads = Int(arguments[3]), threads > 0 else {
  fail("expected IMAGES LABELS THREADS")
}
private let bench = try Bench(arguments[1], arguments[2], threads: threads)
while let line = readLine() {
  let words = line.split(separator: " ")
  guard words.count == 2, let task = Task(rawValue: String(words[0])),
    let count = Int(words[1]), count > 0
  else {
    fail("expected `train`, `batch` or `single` and a count")
  }
  let seconds = try bench.run(task, count)
  // Not print: it keeps its text back where the output is a pipe.
  FileHandle.standardOutput.write(Data("\(seconds)\n".utf8))
}
