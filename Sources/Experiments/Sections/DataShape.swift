import Datasets
import NeuralNetwork
import Tensors

extension Experiment {
    /// ``data``, with what the network asks of pictures.
    package var dataRequest: DataOptions {
        var options = data
        if data.lines != nil {
            options.lineSize = DataOptions.Extent(height: model.inputShape.height, width: model.inputShape.width)
        } else if !model.takesShapeOfData {
            options.imageSize = DataOptions.Extent(height: model.inputShape.height, width: model.inputShape.width)
        }
        return options
    }

    /// The same with the input shape and the classes of its data, where ``model`` leaves either to them. Of a data set by
    /// name they are known; data of one's own are read.
    /// - Throws: what loading them throws.
    package func completed(locations: DatasetLocations = DatasetLocations()) throws -> Experiment {
        guard model.needsData else { return self }
        guard data.lines == nil else {
            throw InputError(
                "model.inputShape", expected: "rows, columns and channels of a line, [32, 256, 1]",
                received: "\"auto\"",
                remedy: "lines of text have no size of their own")
        }
        var result = self
        if data.directory == nil, data.files == nil, data.provider == nil {
            let record = locations.record(data.dataset)
            result.model = model.completed(inputShape: Shape([28, 28, 1]), classes: record.classCount)
        } else {
            let images = try DatasetLoader.load(dataRequest, seed: seed, locations: locations).train
            result.model = model.completed(
                inputShape: Shape([images.height, images.width, images.channels]), classes: images.classCount)
        }
        return result
    }
}
