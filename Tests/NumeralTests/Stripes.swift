import Numeral
import Tensors

/// Small images in three classes that a network learns within a second: stripes along x, along y or across, under noise.
enum Stripes {
    static let side = 12
    static let names = ["along x", "along y", "across"]

    static func pixels(_ count: Int, seed: UInt64) -> (pixels: [UInt8], labels: [Int]) {
        var stream = RandomStream(RandomAddress(seed: seed, purpose: .test))
        var pixels: [UInt8] = [], labels: [Int] = []
        for index in 0..<count {
            let label = index % 3, phase = stream.integer(below: 6)
            for y in 0..<side {
                for x in 0..<side {
                    let place = [y, x, x + y][label] + phase
                    pixels.append(UInt8(stream.integer(below: 80) + (place / 3 % 2 == 0 ? 150 : 0)))
                }
            }
            labels.append(label)
        }
        return (pixels, labels)
    }

    static func images(_ count: Int, seed: UInt64) throws -> ImageSet {
        let (pixels, labels) = pixels(count, seed: seed)
        return try ImageSet(pixels: pixels, labels: labels, height: side, width: side, classNames: names)
    }

    /// Batch-norm, dropout, augmentation, averaging, standardised pixels: all that a model file must carry.
    static func experiment(epochs: Int = 4) throws -> Experiment {
        let graph = try Graph(inputShape: [side, side, 1]) {
            Layer.conv2d(filters: 8, kernelSize: 3, padding: .same, useBias: false)
            Layer.batchNormalization()
            Layer.relu
            Layer.maxPooling2d(poolSize: 2)
            Layer.dropout(rate: 0.2)
            Layer.flatten
            Layer.dense(units: 3)
        }
        var experiment = Experiment(name: "stripes", seed: 3, model: graph)
        experiment.data.normalization = .standardize
        experiment.augmentation.rotation = 8
        experiment.training.epochs = epochs
        experiment.training.batchSize = 16
        experiment.training.optimizer = .adamW(learningRate: 4e-3)
        experiment.training.averagingDecay = 0.9
        return experiment
    }

    static let trained = Result { try Model.train(experiment(), on: images(300, seed: 1), threads: 2) }
}
