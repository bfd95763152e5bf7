import Datasets
import NeuralNetwork
import Tensors

extension Experiment {
    /// The ``data`` options with the image or line size that the network requires.
    package var dataRequest: DataOptions {
        var options = data
        if data.lines != nil {
            options.lineSize = DataOptions.Extent(height: model.inputShape.height, width: model.inputShape.width)
        } else if !model.takesShapeOfData {
            options.imageSize = DataOptions.Extent(height: model.inputShape.height, width: model.inputShape.width)
            options.imageChannels = model.inputShape.channels
        }
        return options
    }

    /// Returns the experiment with the input shape and number of classes of its data, if ``model`` leaves either to the
    /// data. They are known for named data sets; other data are loaded to find them.
    /// - Throws: Any error of loading the data; an ``InputError`` if the data are lines of text, or images larger than a
    ///   network may take.
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
            result.model = try model.completed(inputShape: Shape([28, 28, 1]), classes: record.classCount)
        } else {
            let images = try DatasetLoader.load(dataRequest, seed: seed, locations: locations).train
            result.model = try model.completed(
                inputShape: Shape([images.height, images.width, images.channels]), classes: images.classCount)
        }
        return result
    }
}
