internal import ArgumentParser
internal import ConvNet
internal import PthCodec
internal import Tensors

/// `pth train`: the course's whole script on the four `.pth` files.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train MyConvNet as the course's script does.",
    discussion: """
      DIR holds train_data.pth, train_labels.pth, test_data.pth and \
      test_labels.pth. The best network is written as hw7_ID_NAME.pth each \
      time that it improves, beside the logs of losses and accuracies. Ctrl-C \
      stops after the batch; with --save-state, --resume goes on from there.

      Exit code 0: done, 64: usage, 65: no dataset, 66: no such file, 73: a \
      file can't be written, 130: stopped by Ctrl-C.

      Examples:
        pth train data --student-id 21307303 --name 刘卓逸 --seed 1
        pth train data --student-id 21307303 --name 刘卓逸 --epochs 3 --plots
      """
  )

  @Argument(help: "The folder of the four files.", completion: .directory)
  var directory: String

  @OptionGroup var homework: HomeworkOptions

  @Option(
    help: ArgumentHelp(
      "The folder to write into.",
      valueName: "folder"
    ),
    completion: .directory
  )
  var output = "."

  @OptionGroup(title: "Procedure") var procedure: ProcedureOptions

  @Option(
    help: ArgumentHelp(
      "Write a state to go on from after each epoch.",
      valueName: "file"
    ),
    completion: .file()
  )
  var saveState: String?

  @Option(
    help: ArgumentHelp(
      "Go on from a state that this program or PyTorch wrote.",
      valueName: "file"
    ),
    completion: .file()
  )
  var resume: String?

  @Flag(help: "Draw losses and accuracies as SVG and PNG, with gnuplot.")
  var plots = false

  func validate() throws {
    do {
      try procedure.trainingOptions().check()
    } catch {
      throw ValidationError("\(error)")
    }
  }

  func run() throws {
    let base = try homework.baseName()
    let folder = DatasetFolder(directory)
    let training = try folder.dataset(.train)
    let test = try folder.dataset(.test)
    let options = try procedure.trainingOptions()
    let files = TrainingFiles(
      folder: output,
      base: base,
      statePath: saveState
    )
    let trainer: Trainer
    if let resume {
      trainer = try Trainer(
        resuming: TrainingStateReader(resume).state(),
        options,
        training: training,
        test: test
      )
    } else {
      trainer = try Trainer(options, training: training, test: test)
    }
    // Whatever can't be written is told before the first epoch.
    try files.prepare(isResumed: resume != nil)
    let report = try TrainingRun(trainer, files: files).run()
    if plots || report.ending != .cancelled {
      TrainingPlots(report.history, files: files).draw(isRequired: plots)
    }
    if report.ending == .cancelled { throw Exit.interrupted }
  }
}

/// The settings of the script, with its values as defaults.
struct ProcedureOptions: ParsableArguments {
  @Option(help: "The most epochs; 0 writes the initial parameters.")
  var epochs = 32

  @Option(help: "The images of a batch; an incomplete last one is dropped.")
  var batchSize = 16

  @Option(help: "Epochs in a row that may bring no improvement.")
  var patience = 8

  @Option(help: "The part of the training set to validate with.")
  var validation = 0.1

  @Option(name: .customLong("lr"), help: "Adam's learning rate.")
  var learningRate = 3e-4

  @Option(help: "Times the parameter, added to its gradient.")
  var weightDecay = 1e-5

  @Option(help: "The total norm that gradients are clipped to.")
  var clipNorm = 10.0

  @Option(help: "The cross-entropy's input: softmax, as the script, or logits.")
  var loss: LossOption = .softmax

  @Flag(help: "Split the training set once instead of in each epoch.")
  var fixedSplit = false

  @Flag(help: "Change images by small random rotations and affine warps.")
  var augment = false

  @Option(help: "The seed, as for torch.manual_seed; random without it.")
  var seed: UInt64?

  @Option(help: "The threads to work on; results don't depend on it.")
  var threads = 2

  /// What the trainer takes.
  func trainingOptions() throws -> TrainingOptions {
    var options = TrainingOptions(seed: seed)
    options.epochs = epochs
    options.batchSize = batchSize
    options.patience = patience
    options.validationFraction = validation
    options.fixedSplit = fixedSplit
    options.loss = loss.kind
    options.threads = threads
    options.optimizer.learningRate = learningRate
    options.optimizer.weightDecay = weightDecay
    options.optimizer.clipNorm = clipNorm
    if augment {
      var augmentation = Augmentation()
      augmentation.seed = options.seed
      options.augmentation = augmentation
    }
    return options
  }
}

/// `--loss`: what the cross-entropy takes.
enum LossOption: String, ExpressibleByArgument, CaseIterable {
  case softmax
  case logits

  /// The library's name for it.
  var kind: LossKind {
    switch self {
    case .softmax: .softmaxOutput
    case .logits: .logits
    }
  }
}
