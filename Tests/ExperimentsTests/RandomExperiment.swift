@testable import Datasets
@testable import Evaluation
@testable import Experiments
@testable import NeuralNetwork
@testable import Tensors
@testable import Training

/// Experiments with every option drawn from its legal range.
struct RandomExperiment {
    private var stream: RandomStream

    init(index: Int) {
        stream = RandomStream(RandomAddress(seed: 5, purpose: .test, major: UInt32(index)))
    }

    private mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + stream.integer(below: range.count)
    }
    private mutating func chance() -> Bool { stream.integer(below: 2) == 0 }
    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[stream.integer(below: elements.count)]
    }
    /// Strictly between the ends, with every bit of a `Double` used.
    private mutating func double(_ low: Double, _ high: Double) -> Double {
        let unit = (Double(stream.next() >> 12) + 0.5) * 0x1p-52
        return low + (high - low) * unit
    }
    private mutating func float(_ low: Float, _ high: Float) -> Float {
        min(max(Float(double(Double(low), Double(high))), low), high.nextDown)
    }
    private mutating func interval(_ low: Float, _ high: Float) -> ClosedRange<Float> {
        let a = float(low, high), b = float(low, high)
        return min(a, b)...max(a, b)
    }
    private mutating func size() -> Size2D { Size2D(integer(1...7), integer(1...7)) }
    private mutating func text() -> String {
        pick(["runs", "a b", "\"quoted\"\\", "é\u{301}😀", "tab\tline\nreturn\r", "\u{202E}\u{7F}", "/tmp/{x}"])
    }

    mutating func experiment() -> Experiment {
        var result = Experiment(name: pick(["a", "run-2", "_x.y", "0"]), model: graph())
        result.seed = chance() ? 1 << 53 : UInt64(stream.nextWord())
        result.training = training()
        result.data = data()
        result.augmentation = augmentation()
        result.evaluation.batchSize = integer(1...65_536)
        if chance() {
            result.evaluation.testTimeAugmentation = TestTimeAugmentation(
                translation: float(0, 28), rotation: float(0, 180), scale: float(0, 0.9), horizontalFlip: chance())
        }
        result.evaluation.metrics = pick([[], [.balancedAccuracy], [.fScore(beta: double(0, 100)), .balancedAccuracy]])
        result.output.directory = text()
        result.output.events = chance()
        result.output.tensorBoard = chance()
        return result
    }

    private mutating func data() -> DataOptions {
        var data = DataOptions()
        data.source = pick(DataOptions.Source.allCases)
        if data.source != .sample {
            data.dataset = pick(DatasetName.allCases)
            if chance() {
                data.dataset = .mnist
                data.files = IDXFiles(trainImages: text(), trainLabels: text(), testImages: text(), testLabels: text())
            } else if chance() {
                (data.dataset, data.provider) = (.mnist, DataProvider(CIFAR10(directory: text())))
            }
        }
        data.directory = chance() ? text() : nil
        data.classNames = chance() ? [text(), text()] : nil
        data.prepare = chance()
        data.labelColumn = chance() ? text() : nil
        data.multiLabel = chance()
        data.weightColumn = chance() ? text() : nil
        data.testFraction = double(0, 0.9)
        data.fold = chance() ? DataOptions.Fold(integer(1...7), of: integer(7...100)) : nil
        data.lines = data.fold == nil && chance() ? lines() : nil
        data.validationFraction = double(0, 0.9)
        data.normalization = pick(Normalization.allCases)
        return data
    }

    private mutating func lines() -> LineOptions {
        var lines = LineOptions()
        (lines.count, lines.validationCount) = (integer(1...100_000_000), integer(1...1_000_000))
        (lines.testCount, lines.widths) = (integer(1...1_000_000), integer(1...16))
        lines.length = .init(integer(1...8), integer(8...32))
        (lines.touching, lines.overlap, lines.gap) = (float(0, 1), float(0, 0.4), float(0, 2))
        (lines.slant, lines.rotation, lines.size) = (float(0, 1), float(0, 45), float(0, 0.7))
        lines.distortion = float(0, 8)
        (lines.baseline, lines.slope, lines.stroke) = (float(0, 0.5), float(0, 0.3), float(0, 1))
        (lines.blur, lines.noise, lines.remnants) = (float(0, 2), float(0, 0.5), float(0, 1))
        lines.jpeg = float(0, 1)
        return lines
    }

    private mutating func augmentation() -> AugmentationOptions {
        var augmentation = AugmentationOptions()
        augmentation.rotation = float(0, 180)
        augmentation.scale = interval(0.1, 10)
        augmentation.shear = float(0, 2)
        augmentation.translation = float(0, 28)
        augmentation.alternatingFlip = chance()
        augmentation.horizontalFlip = augmentation.alternatingFlip ? 0.5 : float(0, 1)
        if chance() {
            augmentation.elastic = .init(alpha: float(0, 50), sigma: float(0.5, 8), probability: float(0, 1))
        }
        if chance() {
            augmentation.erasing = .init(
                probability: float(0, 1), area: interval(0, 1), aspectRatio: interval(0.01, 100))
        }
        for _ in 0..<integer(0...3) {
            let bounds = ClosedRange(uncheckedBounds: (float(0, 5), float(5, 10)))
            var adjustment = pick([
                Adjustment(Brightness(largest: float(0, 1))), Adjustment(Contrast(factors: bounds)),
                Adjustment(Saturation(factors: bounds)), Adjustment(Hue(degrees: float(0, 180))),
                Adjustment(Noise(deviation: float(0, 1))), Adjustment(Blur(deviation: float(0, 10))),
                Adjustment(StrokeWidth(pixels: interval(-4, 4))),
            ])
            adjustment.probability = float(0, 1)
            augmentation.adjustments.append(adjustment)
        }
        if chance() { augmentation.mixup = .init(alpha: float(0.001, 100), probability: float(0, 0.5)) }
        if chance() { augmentation.cutmix = .init(alpha: float(0.001, 100), probability: float(0, 0.5)) }
        return augmentation
    }

    private mutating func training() -> TrainingOptions {
        var training = TrainingOptions()
        training.epochs = integer(1...100_000)
        training.batchSize = integer(2...65_536)
        training.optimizer = pick([
            .sgd(learningRate: double(0, 100), momentum: double(0, 1), nesterov: chance()),
            .rmsprop(learningRate: double(0, 1), rho: double(0, 1), epsilon: double(0, 1e-6), momentum: double(0, 1)),
            .adam(learningRate: double(0, 1), beta1: double(0, 1), beta2: double(0, 1), epsilon: double(0, 1e-9)),
            .adamW(
                learningRate: double(0, 1), beta1: double(0, 1), beta2: double(0, 1), epsilon: double(0, 1),
                weightDecay: double(0, 1)),
            .adagrad(
                learningRate: double(0, 1), learningRateDecay: double(0, 1), initialAccumulator: double(0, 1),
                epsilon: double(0, 1e-6)),
            .lamb(
                learningRate: double(0, 1), beta1: double(0, 1), beta2: double(0, 1), epsilon: double(0, 1),
                weightDecay: double(0, 1)),
            .muon(
                .init(
                    learningRate: double(0, 1), momentum: double(0, 1), nesterov: chance(), weightDecay: double(0, 1),
                    adam: .init(
                        learningRate: double(0, 1), beta1: double(0, 1), beta2: double(0, 1), epsilon: double(0, 1)))),
        ])
        training.lookahead = chance() ? nil : LookaheadOptions(steps: integer(1...100), alpha: double(0, 1))
        training.schedule = pick([
            .constant, .step(every: integer(1...100), factor: double(0, 1)), .exponential(decay: double(0, 1)),
            .cosine(finalFactor: double(0, 1)),
            .oneCycle(
                warmupFraction: double(0, 1), initialDivisor: double(1, 1e9), finalDivisor: double(1, 1e9)),
        ])
        training.warmupEpochs = double(0, 10)
        training.labelSmoothing = double(0, 1)
        training.l2 = double(0, 1)
        training.gradientClipping = pick([nil, .norm(double(0, 100)), .value(double(0, 100))])
        training.earlyStopping =
            chance()
            ? nil
            : EarlyStoppingOptions(
                monitor: pick(EarlyStoppingOptions.Monitor.allCases), patience: integer(1...50),
                minimumChange: double(0, 1))
        if chance() {
            training.averagingDecay = double(0, 1)
            training.averagingStatisticsImages = integer(0...60_000)
            training.averagingStatisticsAugmented = chance()
        }
        if chance(), training.optimizer.hasMomentum {
            training.schedule = .oneCycle(momentum: double(0, 0.5)...double(0.5, 1))
        }
        if chance() {
            training.distillation = DistillationOptions(
                teachers: (0..<integer(1...3)).map { _ in text() }, temperature: double(0, 100), weight: double(0, 1))
        }
        if chance() {
            training.whitening = WhiteningOptions(
                images: integer(1...1_000_000), epsilon: double(0, 1), frozen: chance())
        }
        training.loss =
            [
                .crossEntropy, .focal(gamma: double(0, 10)), .meanSquaredError, .binaryCrossEntropy, .ctc,
            ][integer(0...4)]
        training.classWeights = [nil, .balanced, .given(["a.b": double(0, 9), "7": 1])][integer(0...2)]
        training.initialModel = chance() ? "runs/\(integer(0...9))" : nil
        training.layerDecay = double(0, 1)
        for _ in 0..<integer(0...3) {
            let layers = LayerPattern("conv2d_\(integer(1...9))*")
            training.frozen.append(FrozenLayers(layers, epochs: chance() ? integer(1...100_000) : nil))
            training.learningRates.append(LayerRate(layers, factor: double(0, 1000)))
        }
        for _ in 0..<integer(1...4) - 1 where training.epochs > 20 {
            training.progressiveResizing.append(
                ResizingStage(epochs: integer(1...5), height: integer(1...1024), width: integer(1...1024)))
        }
        if chance() {
            training.schedule = .cosine(finalFactor: double(0, 1), cycles: training.epochs.isMultiple(of: 2) ? 2 : 1)
            training.warmupEpochs = 0
        }
        training.checkpoints =
            chance()
            ? nil
            : CheckpointOptions(
                everySteps: chance() ? integer(1...1_000_000_000) : nil, everyMinutes: chance() ? double(0, 99) : nil,
                everyEpoch: chance(), keep: integer(1...1000))
        training.shards = integer(1...1024)
        return training
    }

    private mutating func initializer() -> Initializer {
        let gain = float(0.1, 9)
        return pick([
            .heNormal, .heUniform, .glorotNormal, .glorotUniform, .orthogonal(gain: 1), .orthogonal(gain: gain),
        ])
    }

    private mutating func padding() -> Padding {
        pick([
            .valid, .same, .explicit(top: integer(0...3), bottom: integer(0...3), left: integer(0...3), right: 2),
        ])
    }

    private mutating func lowering() -> Lowering {
        Lowering(pick(Lowering.Kind.allCases), rows: integer(1...99_999))
    }

    private mutating func loweringChoice() -> LoweringChoice? {
        let resolved = ConvolutionLowering(
            forward: lowering(), inputGradient: lowering(), weightGradient: lowering())
        return pick([nil, .auto, .kind(pick(Lowering.Kind.allCases)), .resolved(resolved)])
    }

    private mutating func layer() -> Layer {
        pick([
            .conv2d(
                filters: integer(1...65_536), kernelSize: size(), strides: size(), padding: padding(),
                dilation: size(), useBias: chance(), initializer: chance() ? nil : initializer(),
                lowering: loweringChoice()),
            .dense(
                units: integer(1...9999), useBias: chance(), initializer: chance() ? nil : initializer(),
                lowering: pick([nil, .images, .weights(features: integer(1...99_999))])),
            .batchNormalization(momentum: float(0.001, 1), epsilon: float(1e-9, 1)), .relu,
            .leakyRelu(negativeSlope: float(0, 1)), .gelu, .tanhGelu, .swish, .hardSwish, .tanh, .sigmoid, .softmax,
            .depthwiseConv2d(
                kernelSize: size(), strides: size(), padding: padding(), dilation: size(), useBias: chance(),
                initializer: chance() ? nil : initializer()),
            .groupedConv2d(
                filters: integer(1...65_536), kernelSize: size(), groups: integer(1...65_536), strides: size(),
                padding: padding(), dilation: size(), useBias: chance(), initializer: chance() ? nil : initializer()),
            .conv2dTranspose(
                filters: integer(1...65_536), kernelSize: size(), strides: size(), padding: padding(), dilation: size(),
                useBias: chance(), initializer: chance() ? nil : initializer()),
            .prelu,
            .groupNormalization(groups: integer(1...65_536), epsilon: float(1e-9, 1)),
            .layerNormalization(epsilon: float(1e-9, 1)), .upSampling2d(size: size()), .globalMaxPooling2d, .multiply,
            .maxPooling2d(
                poolSize: size(), strides: chance() ? nil : size(), padding: padding(), dilation: size()),
            .averagePooling2d(poolSize: size(), strides: chance() ? nil : size(), padding: padding()),
            .globalAveragePooling2d, .dropout(rate: float(0, 1)), .flatten, .add, .concatenate,
        ])
    }

    /// Names follow the grammar of configurations; shapes need not fit, which is not the decoder's business.
    private mutating func graph() -> Graph {
        var names = [Graph.inputName]
        var nodes: [LayerNode] = []
        for index in 0..<integer(1...20) {
            let layer = layer()
            let joins = layer == .add || layer == .concatenate || layer == .multiply
            let inputs = (0..<(joins ? layer == .multiply ? 2 : integer(2...4) : 1)).map { _ in
                chance() ? names[names.count - 1] : pick(names)
            }
            let name = chance() ? "layer-\(index)" : "\(layer.type)_\(index)"
            nodes.append(LayerNode(name: name, inputs: inputs, layer: layer))
            names.append(name)
        }
        return Graph(
            inputShape: Shape([integer(1...1024), integer(1...1024), integer(1...1024)]), initializer: initializer(),
            lowering: pick([nil] + Lowering.Kind.allCases), nodes: nodes)
    }
}
