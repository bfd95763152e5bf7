import Numeral

// The examples of docs/library.md that main.swift does not run.

func together(_ images: [[UInt8]], _ model: Model) async throws -> [Int: Classification] {
    let answers = try await withThrowingTaskGroup(of: (Int, Classification).self) { group in
        for (index, image) in images.enumerated() {
            group.addTask { (index, try model.classify(image)) }
        }
        return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    return answers
}

func readForm() throws {
    for digit in try Model.inTheBox().read("form.jpg") {
        print(digit.classification.className, digit.classification.confidence, digit.line, digit.x, digit.y)
    }
}

func train(_ graph: Graph, _ pixels: [UInt8], _ labels: [Int], _ test: ImageSet) throws {
    var experiment = Experiment(name: "mine", seed: 1, model: graph)
    experiment.training.epochs = 5
    experiment.training.optimizer = .adamW(learningRate: 4e-3)
    experiment.training.schedule = .oneCycle()
    experiment.augmentation.rotation = 10

    let images = try ImageSet(pixels: pixels, labels: labels, height: 28, width: 28)
    let model = try Model.train(experiment, on: images) { event in
        guard case .epoch(let epoch, let isBest) = event else { return }
        print(epoch.epoch, epoch.trainingLoss, epoch.validationAccuracy ?? .nan, isBest ? "*" : "")
    }

    let figures = try model.evaluate(on: test)
    print(figures.report.accuracy, figures.accuracyInterval, figures.report.f1.macro)
    try model.save(to: "mine.safetensors")
}

func trainFromFile() throws -> EvaluationSummary {
    let experiment = try Experiment.load("config/default.json", overrides: ["training.epochs=3"])
    let data = try experiment.loadData()
    let model = try Model.train(experiment, on: data.train, validation: data.validation)
    let figures = try model.evaluate(on: data.loadTest().images)
    return figures
}
