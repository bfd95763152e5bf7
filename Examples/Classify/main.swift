import Numeral

/// What the README shows.
func classify(_ pixels: [UInt8], with path: String) throws {
    let model = try Model.load(path)
    let answer = try model.classify(pixels)
    print("a \(answer.className), says the network, and is \(Int(answer.confidence * 100)) % sure")
}

// A network, as config/*.json has it.
let graph = try Graph(inputShape: [28, 28, 1]) {
    Layer.conv2d(filters: 16, kernelSize: 5, strides: 2, useBias: false)
    Layer.batchNormalization()
    Layer.relu.named("stem")
    Layer.conv2d(filters: 16, kernelSize: 3, padding: .same).named("branch")
    Layer.relu
    Layer.add.reading("relu_1", "stem")
    Layer.maxPooling2d(poolSize: 2)
    Layer.flatten
    Layer.dense(units: 10)
}
var experiment = Experiment(name: "example", seed: 1, model: graph)
experiment.data.source = .sample
experiment.training.epochs = 6
experiment.training.optimizer = .adamW(learningRate: 8e-3)
experiment.training.schedule = .oneCycle()

// The 5,000 MNIST images that ship with the package; ImageSet(pixels:labels:height:width:) takes your own.
let data = try experiment.loadData()
let model = try Model.train(experiment, on: data.train, validation: data.validation) { event in
    guard case .epoch(let epoch, _) = event else { return }
    print("epoch \(epoch.epoch): loss \(epoch.trainingLoss), validation accuracy \(epoch.validationAccuracy ?? .nan)")
}

let test = try data.loadTest().images
let figures = try model.evaluate(on: test)
print("\(figures.confusionMatrix.correct) of \(test.count) test images are read right")

let path = CommandLine.arguments.dropFirst().first ?? "digits.safetensors"
try model.save(to: path)
let digit = test[0]
print("\(path) is written; of a \(digit.label):")
try classify(digit.pixels, with: path)

// The network that ships with the package, and how long it takes over one image on one core.
let box = try Model.inTheBox()
let clock = ContinuousClock()
let times = try (0..<1_000).map { index in
    let image = test[index % test.count].pixels
    return try clock.measure { _ = try box.classify(image) }
}
print(
    "The model in the box: \(box.parameterCount) parameters, \(try box.evaluate(on: test).confusionMatrix.correct) of "
        + "\(test.count) right, an image takes \(times.sorted()[times.count / 2]) (median of \(times.count))")
