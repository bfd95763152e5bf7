import Formats
import NeuralNetwork
import Tensors
import Training

extension Section where Root == DistillationOptions {
    static var distillation: Section {
        Section(
            initial: DistillationOptions(teachers: []),
            fields: [
                .key(
                    "teachers", \.teachers,
                    .array(.text(limit: 4096), count: 1...100, expected: "a list of 1…100 paths"), isRequired: true,
                    "Run folders, model files, or folders of model files."),
                .key(
                    "temperature", \.temperature, .number(.above(0, 100)),
                    "By which logits are divided before the softmax that is compared."),
                .key("weight", \.weight, .number(.closed(0, 1)), "Of the teachers against the labels."),
            ])
    }
}

extension Section where Root == WhiteningOptions {
    static var whitening: Section {
        Section(
            initial: WhiteningOptions(),
            fields: [
                .key("images", \.images, .integer(1...1_000_000), "The first so many training images are looked at."),
                .key("epsilon", \.epsilon, .number(.above(0, 1)), "Added to each variance."),
                .key("frozen", \.frozen, .boolean, "Whether these filters stay as they are."),
            ])
    }
}

extension ResizingStage {
    fileprivate var size: Size2D {
        get { Size2D(height, width) }
        set { (height, width) = (newValue.height, newValue.width) }
    }
}

extension Codec where Value == [ResizingStage] {
    static var resizing: Codec {
        let stage = Section<ResizingStage>(
            initial: ResizingStage(epochs: 1, height: 1, width: 1),
            fields: [
                .key("epochs", \.epochs, .integer(1...100_000), isRequired: true, "How many epochs."),
                .key("size", \.size, .size(1...1024), isRequired: true, "Of the images, pixels."),
            ])
        return .array(stage.codec, count: 0...100, expected: "a list of at most 100 stages")
    }
}
