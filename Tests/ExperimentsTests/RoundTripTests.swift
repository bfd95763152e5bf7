import Formats
import Testing

@testable import Datasets
@testable import Experiments
@testable import NeuralNetwork
@testable import Tensors
@testable import Training

@Suite struct RoundTripTests {
    private func again(_ experiment: Experiment) throws -> Experiment {
        try Experiment.decode(experiment.jsonText, name: "t")
    }

    @Test func defaultsAreThoseOfTheOptions() throws {
        let experiment = try Experiment.decode(Fixtures.minimal, name: "least")
        let graph = Graph(inputShape: Shape([28, 28, 1]), layers: [.flatten, .dense(units: 10)])
        #expect(experiment == Experiment(name: "least", model: graph))
        #expect(
            experiment.jsonText == """
                {
                  "name": "least",
                  "seed": 0,
                  "data": {
                    "dataset": "mnist",
                    "source": "auto",
                    "directory": null,
                    "prepare": true,
                    "multiLabel": false,
                    "testFraction": 0.1,
                    "validationFraction": 0.1,
                    "normalization": "none"
                  },
                  "augmentation": {
                    "rotation": 0,
                    "scale": [1, 1],
                    "shear": 0,
                    "translation": 0,
                    "horizontalFlip": 0,
                    "alternatingFlip": false,
                    "elastic": null,
                    "adjustments": [],
                    "erasing": null,
                    "mixup": null,
                    "cutmix": null
                  },
                  "model": {
                    "inputShape": [28, 28, 1],
                    "initializer": "heNormal",
                    "lowering": "auto",
                    "layers": [
                      {"type": "flatten", "name": "flatten_1"},
                      {"type": "dense", "name": "dense_1", "units": 10, "useBias": true}
                    ]
                  },
                  "training": {
                    "epochs": 10,
                    "batchSize": 128,
                    "optimizer": {
                      "type": "adam",
                      "learningRate": 0.001,
                      "beta1": 0.9,
                      "beta2": 0.999,
                      "epsilon": 1e-08
                    },
                    "lookahead": null,
                    "schedule": {"type": "constant"},
                    "warmupEpochs": 0,
                    "loss": {"type": "crossEntropy"},
                    "classWeights": null,
                    "labelSmoothing": 0,
                    "l2": 0,
                    "gradientClipping": null,
                    "earlyStopping": {"monitor": "validationLoss", "patience": 5, "minimumChange": 0},
                    "averaging": null,
                    "initialModel": null,
                    "frozen": [],
                    "learningRates": [],
                    "layerDecay": 1,
                    "distillation": null,
                    "whitening": null,
                    "progressiveResizing": [],
                    "checkpoints": {"everySteps": null, "everyMinutes": 5, "everyEpoch": true, "keep": 2},
                    "shards": 16
                  },
                  "evaluation": {"batchSize": 500, "testTimeAugmentation": null, "metrics": []},
                  "output": {"directory": "runs", "events": true, "tensorBoard": true}
                }

                """)
    }

    /// Each value of `complete.json` arrives, and none at another's place.
    @Test func everyValueArrives() throws {
        let experiment = try Experiment.decode(try Fixtures.json("complete.json"), name: "complete.json")
        var data = DataOptions()
        data.source = .full
        data.directory = "images"
        data.validationFraction = 0.2
        data.normalization = .standardize
        #expect(experiment.data == data)
        var augmentation = AugmentationOptions()
        augmentation.rotation = 12.5
        augmentation.scale = 0.85...1.2
        augmentation.shear = 0.15
        augmentation.translation = 3
        augmentation.horizontalFlip = 0.125
        augmentation.elastic = .init(alpha: 30, sigma: 3.5, probability: 0.25)
        augmentation.erasing = .init(probability: 0.3, area: 0.01...0.1, aspectRatio: 0.5...2)
        augmentation.mixup = .init(alpha: 0.2, probability: 0.5)
        augmentation.cutmix = .init(alpha: 1.5, probability: 0.25)
        #expect(experiment.augmentation == augmentation)
        var training = TrainingOptions()
        training.epochs = 30
        training.batchSize = 64
        training.optimizer = .adamW(
            learningRate: 0.002, beta1: 0.85, beta2: 0.99, epsilon: 1e-7, weightDecay: 0.05)
        training.lookahead = .init(steps: 6, alpha: 0.6)
        training.schedule = .oneCycle(
            warmupFraction: 0.2, initialDivisor: 10, finalDivisor: 100, momentum: 0.85...0.95)
        training.warmupEpochs = 0.5
        training.labelSmoothing = 0.1
        training.l2 = 1e-4
        training.gradientClipping = .norm(5)
        training.earlyStopping = .init(monitor: .validationAccuracy, patience: 3, minimumChange: 0.001)
        training.averagingDecay = 0.999
        training.averagingStatisticsImages = 2_000
        training.averagingStatisticsAugmented = false
        training.distillation = .init(teachers: ["runs/a", "runs/b"], temperature: 3, weight: 0.75)
        training.whitening = .init(images: 2_000, epsilon: 0.001, frozen: false)
        training.progressiveResizing = [
            .init(epochs: 5, height: 14, width: 14), .init(epochs: 3, height: 20, width: 24),
        ]
        training.checkpoints = .init(everySteps: 500, everyMinutes: 2.5, everyEpoch: false, keep: 3)
        training.shards = 8
        #expect(experiment.training == training)
        let chain: [(Layer, [String])] = [
            (
                .conv2d(
                    filters: 8, kernelSize: Size2D(3, 5), strides: Size2D(1), padding: .same, dilation: Size2D(1, 2),
                    useBias: false, initializer: .heUniform), ["input"]
            ),
            (.batchNormalization(momentum: 0.2, epsilon: 1e-3), ["stem"]), (.relu, ["batchNormalization_1"]),
            (
                .maxPooling2d(
                    poolSize: Size2D(2), strides: Size2D(2, 1),
                    padding: .explicit(top: 1, bottom: 0, left: 1, right: 0)), ["relu_1"]
            ),
            (
                .averagePooling2d(
                    poolSize: Size2D(2, 3), strides: Size2D(2),
                    padding: .explicit(top: 1, bottom: 1, left: 1, right: 1)), ["maxPooling2d_1"]
            ),
            (.leakyRelu(negativeSlope: 0.2), ["averagePooling2d_1"]), (.gelu, ["leakyRelu_1"]), (.tanh, ["gelu_1"]),
            (.sigmoid, ["tanh_1"]), (.add, ["gelu_1", "tanh_1", "sigmoid_1"]), (.concatenate, ["sum", "gelu_1"]),
            (.globalAveragePooling2d, ["concatenate_1"]), (.flatten, ["globalAveragePooling2d_1"]),
            (.dropout(rate: 0.5), ["flatten_1"]),
            (.dense(units: 10, useBias: true, initializer: .glorotNormal), ["dropout_1"]), (.softmax, ["dense_1"]),
        ]
        #expect(experiment.model.nodes.map(\.layer) == chain.map(\.0))
        #expect(experiment.model.nodes.map(\.inputs) == chain.map(\.1))
        #expect(experiment.model.inputShape == Shape([32, 30, 3]))
        #expect(experiment.model.initializer == .orthogonal(gain: 1.4))
        #expect(experiment.name == "complete" && experiment.seed == 7)
        #expect(experiment.evaluation.batchSize == 250 && experiment.output.directory == "results")
        #expect(!experiment.output.events && !experiment.output.tensorBoard)
        #expect(try again(experiment) == experiment)
    }

    @Test func shortFormsMeanTheLongOnes() throws {
        let complete = try Fixtures.json("complete.json")
        let decode = { (changes: [String]) in
            try Experiment.decode(try Overrides.apply(changes, to: complete), name: "t")
        }
        #expect(try decode(["augmentation.scale=0.25"]).augmentation.scale == 0.75...1.25)
        #expect(
            try decode(["model.layers[0].kernelSize=3"]) == decode(["model.layers[0].kernelSize=[3,3]"]))
        #expect(try decode(["model.layers[0].padding=2"]) == decode(["model.layers[0].padding=[2,2,2,2]"]))
        #expect(
            try decode(["model.initializer=orthogonal"]).model.initializer == .orthogonal(gain: 1))
        #expect(
            try decode(["model.initializer={\"type\":\"heNormal\"}"]).model.initializer == .heNormal)
        #expect(try decode(["training.epochs=3.0e1"]).training.epochs == 30)
        #expect(try decode(["training.gradientClipping=null"]).training.gradientClipping == nil)
        #expect(
            try decode(["model.layers[3].strides=null"]).model.nodes[3].layer
                == .maxPooling2d(
                    poolSize: Size2D(2), padding: .explicit(top: 1, bottom: 0, left: 1, right: 0)))
    }

    @Test func namesMadeAvoidNamesGiven() throws {
        let text = """
            {"name": "a", "model": {"layers": [
                {"type": "relu"}, {"type": "relu", "name": "relu_2"}, {"type": "relu"},
                {"type": "relu", "name": "dense_1"}, {"type": "dense", "units": 1}
            ]}}
            """
        let nodes = try Experiment.decode(text, name: "t").model.nodes
        #expect(nodes.map(\.name) == ["relu_1", "relu_2", "relu_3", "dense_1", "dense_2"])
        #expect(nodes.map(\.inputs) == [["input"], ["relu_1"], ["relu_2"], ["relu_3"], ["dense_1"]])
    }

    @Test(arguments: 0..<200) func randomExperimentsComeBack(index: Int) throws {
        var random = RandomExperiment(index: index)
        let experiment = random.experiment()
        #expect(try again(experiment) == experiment)
        // Reading one's own text changes nothing more.
        #expect(try again(experiment).jsonText == experiment.jsonText)
    }

    @Test(arguments: [
        ("optimzer", "optimizer"), ("maxPool2d", "maxPooling2d"), ("ADAMW", "adamW"), ("adam", "adam"),
        ("lerningRate", "learningRate"), ("thne", "then"), ("xyz", ""), ("", ""),
    ])
    func nearestWords(word: String, expected: String) {
        let words = ["optimizer", "maxPooling2d", "adam", "adamW", "learningRate", "then", "than"]
        #expect(Spelling.remedy(for: word, among: words) == (expected.isEmpty ? "" : "did you mean '\(expected)'?"))
    }

    /// Distances worked out by hand.
    @Test(arguments: [
        ("", "abc", 3), ("kitten", "sitting", 3), ("ca", "ac", 1), ("abc", "abc", 0), ("ab", "ba", 1), ("a", "", 1),
    ])
    func distances(a: String, b: String, expected: Int) {
        #expect(Spelling.distance(a, b) == expected)
        #expect(Spelling.distance(b, a) == expected)
    }
}
