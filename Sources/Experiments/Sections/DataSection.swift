import Datasets
import Formats
import Tensors

extension Section where Root == IDXFiles {
    static var files: Section {
        let path = Codec<String>.text(limit: 4096)
        return Section(
            initial: IDXFiles(trainImages: "", trainLabels: "", testImages: "", testLabels: ""),
            fields: [
                .key("trainImages", \.trainImages, path, isRequired: true, "IDX file of images, plain or gzip."),
                .key("trainLabels", \.trainLabels, path, isRequired: true, "IDX file of labels, plain or gzip."),
                .key("testImages", \.testImages, path, isRequired: true, "IDX file of images, plain or gzip."),
                .key("testLabels", \.testLabels, path, isRequired: true, "IDX file of labels, plain or gzip."),
                .optional(
                    "validationImages", \.validationImages, path, isLeftOut: true,
                    "IDX file of images to validate on, instead of a part of the training images."),
                .optional("validationLabels", \.validationLabels, path, isLeftOut: true, "IDX file of their labels."),
                .key(
                    "transposed", \.transposed, .boolean,
                    "Rows and columns of the images are exchanged, as in EMNIST's files."),
            ])
    }
}

private struct FoldDraft: Sendable {
    var fold = DataOptions.Fold(1, of: 2)
}

extension Codec where Value == DataOptions.Fold {
    /// `{"of": 5, "number": 1}`.
    fileprivate static var fold: Codec {
        let object = Section<FoldDraft>(
            initial: FoldDraft(),
            fields: [
                .key("of", \.fold.of, .integer(2...100), isRequired: true, "How many parts."),
                .key("number", \.fold.number, .integer(1...100), isRequired: true, "Which one, from 1."),
            ]
        ).codec
        return object.converted(
            { draft, json, path throws(InputError) in
                guard draft.fold.number <= draft.fold.of else {
                    throw path.key("number").error(
                        "an integer in 1…\(draft.fold.of), as 'of' says", .integer(draft.fold.number))
                }
                return draft.fold
            }, { FoldDraft(fold: $0) })
    }
}

/// The section while decoding: `dataset` may be omitted in favour of `files`; all other keys go directly into the
/// options.
private struct DataDraft: Sendable {
    var dataset: DatasetName?
    var options = DataOptions()
}

extension Codec where Value == DataOptions {
    /// The section `data`. Options with `files` or a provider are encoded without `dataset`, which they do not use.
    static var data: Codec {
        let dataset = Field<DataDraft>.optional(
            "dataset", \.dataset, .choice(DatasetName.self), isLeftOut: true,
            "A data set known by name; mnist where neither this nor 'files' is given.")
        let section = Section(
            initial: DataDraft(),
            fields: [
                dataset,
                .optional(
                    "files", \.options.files, Section<IDXFiles>.files.codec, isLeftOut: true,
                    "IDX files by path, instead of 'dataset'."),
                .optional(
                    "provider", \.options.provider, DataProvider.codec, isLeftOut: true,
                    "A source of images that no other key knows, instead of 'dataset'."),
                .key(
                    "source", \.options.source, .choice(DataOptions.Source.self),
                    "full: the whole set or an error; sample: 5,000 bundled MNIST images; auto: full, else sample."),
                .optional(
                    "directory", \.options.directory, .text(limit: 4096),
                    "The folder that holds the data set; or data of one's own: a folder of pictures for each class, a CSV file. "
                        + "An error where it holds neither."),
                .optional(
                    "classNames", \.options.classNames,
                    .array(.text(limit: 200), count: 2...256, expected: "2…256 names"), isLeftOut: true,
                    "Names of the classes from label 0 on, instead of those that the data say."),
                .key(
                    "prepare", \.options.prepare, .boolean,
                    "Pictures of one's own: find the ink, crop, fit and centre it as MNIST's digits were; false: whole pictures."
                ),
                .optional(
                    "labelColumn", \.options.labelColumn, .text(limit: 4096), isLeftOut: true,
                    "A CSV file's column of labels, by name or number from 1, where it cannot be told; an error with other data."
                ),
                .key(
                    "multiLabel", \.options.multiLabel, .boolean,
                    "Whether an image may have several labels, or none, for the loss binaryCrossEntropy: words with | between them "
                        + "in a table's column of labels."),
                .optional(
                    "weightColumn", \.options.weightColumn, .text(limit: 4096), isLeftOut: true,
                    "A CSV file's column of sample weights: the factor on each image's loss, at least 0."),
                .key(
                    "testFraction", \.options.testFraction, .number(.closed(0, 0.9)),
                    "Data of one's own without a test half: the part of each class put aside as one. With one, an error."
                ),
                .optional(
                    "lines", \.options.lines, LineOptions.section.codec, isLeftOut: true,
                    "Lines of text composed of the data's pictures, each a character, for the loss ctc."),
                .optional(
                    "fold", \.options.fold, .fold, isLeftOut: true,
                    "One part of the training images as the test set, for cross-validation (--folds makes all)."),
                .key(
                    "validationFraction", \.options.validationFraction, .number(.closed(0, 0.9)),
                    "Part of the training set kept for validation. At 0.1 the sample keeps 500 of 4,000 images, its own. Data may "
                        + "bring validation images instead."),
                .key(
                    "normalization", \.options.normalization, .choice(Normalization.self),
                    "none: pixels in [0, 1]; standardize: mean 0, deviation 1 over the training split."),
            ])
        let object = section.codec
        return Codec(
            expected: object.expected, schema: object.schema.merging(exclusive),
            decode: { json, path throws(InputError) in
                let draft = try object.decode(json, path)
                if let files = json.object?["files"], files != .null, let dataset = draft.dataset {
                    throw path.key("files").error(
                        "'dataset' or 'files', not both", files, remedy: "remove dataset \"\(dataset.rawValue)\"")
                }
                if let provider = json.object?["provider"], provider != .null {
                    for key in ["dataset", "files"] where json.object?[key].map({ $0 != .null }) ?? false {
                        throw path.key("provider").error(
                            "'\(key)' or 'provider', not both", provider, remedy: "remove one of the two")
                    }
                }
                var options = draft.options
                options.dataset = draft.dataset ?? .mnist
                if options.source == .sample,
                    options.files != nil || options.provider != nil || options.dataset != .mnist
                {
                    throw path.key("source").error(
                        "\"auto\" or \"full\" with this data set", "sample", remedy: "the bundled sample is MNIST's")
                }
                return options
            },
            encode: { options in
                object.encode(
                    DataDraft(
                        dataset: options.files == nil && options.provider == nil ? options.dataset : nil,
                        options: options))
            })
    }

    /// The schema constraints: `dataset`, `files` and `provider` exclude each other, and the sample is that of MNIST.
    private static var exclusive: JSONObject {
        let given = { (key: String, schema: JSONObject) -> JSONValue in
            ["properties": .object([key: .object(schema)]), "required": .array([.string(key)])]
        }
        let files = given("files", ["type": "object"]), provider = given("provider", ["type": "object"])
        let named = given("dataset", ["type": "string"])
        let other = given("dataset", ["not": ["enum": .array(["mnist", .null])]])
        return [
            "allOf": .array([
                ["not": ["allOf": .array([files, named])]],
                ["not": ["allOf": .array([provider, ["anyOf": .array([files, named])]])]],
                [
                    "if": given("source", ["const": "sample"]),
                    "then": ["not": ["anyOf": .array([files, provider, other])]],
                ],
            ])
        ]
    }
}
