import Formats
import Tensors

/// A source of images that no other key of `data` covers, for `data.provider`. Its name and options are those of a
/// configuration's `type`.
public struct DataProvider: Hashable, Sendable {
    /// The provider with its options.
    public let kind: any DataProviderKind

    /// Creates a provider of a built-in or custom kind.
    public init(_ kind: some DataProviderKind) { self.kind = kind }

    /// The name in a configuration.
    public var type: String { Swift.type(of: kind).type }

    /// Returns whether both have the same type and options.
    public static func == (a: DataProvider, b: DataProvider) -> Bool { AnyHashable(a.kind) == AnyHashable(b.kind) }

    /// Hashes the type and the options.
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(kind)) }
}

extension DataProvider {
    private static let builtIn: [any DataProviderKind.Type] = [CIFAR10.self, SVHN.self]
    private static let registry = KindRegistry<any DataProviderKind.Type>(
        "data provider", builtIn.map { ($0.type, $0) })

    /// Every kind that a configuration can name: the built-in ones, then the registered ones.
    public static var kinds: [any DataProviderKind.Type] { registry.kinds }

    /// Registers a custom data source as a `type` that configurations can name in `data.provider`; its keys are read as
    /// strictly as all others. Call this before reading the first configuration that names it. Repeated registration
    /// has no effect.
    ///
    /// - Throws: an ``InputError`` if another kind has that name, or the name is not made of letters and digits.
    public static func register(_ kind: any DataProviderKind.Type) throws(InputError) {
        try registry.add(kind.type, kind)
    }

    /// The codec of `data.provider`.
    package static var codec: Codec<DataProvider> { .tagged(kinds.map { $0.variant }) }
}

/// A source of images: its options, their keys in a configuration, and the images. Each file of `Providers` holds one;
/// ``DataProvider/register(_:)`` adds others.
public protocol DataProviderKind: ConfigurationKind {
    /// Loads the images. The same options must give the same images, in the same order, every time.
    /// - Throws: an ``InputError`` if the options or a file cannot be used.
    func load() throws -> ProvidedData
}

extension DataProviderKind {
    /// This kind as a case of the configuration's union of providers.
    static var variant: Variant<Nothing, DataProvider> {
        Variant(type, options, { DataProvider($0) }, { $0.kind as? Self })
    }
}

/// The images that a ``DataProviderKind`` loads.
public struct ProvidedData: Sendable {
    /// The training images; a part of each class is held out for validation, by `data.validationFraction`, if there is
    /// no ``validation``.
    public var train: ImageSet
    /// The validation images; nil holds out a part of ``train``.
    public var validation: ImageSet?
    /// Loads the test images, when they are needed.
    public var test: @Sendable () throws -> ImageSet

    /// Creates provided data. All parts must have images of one size and the same classes.
    public init(train: ImageSet, validation: ImageSet? = nil, test: @escaping @Sendable () throws -> ImageSet) {
        self.train = train
        self.validation = validation
        self.test = test
    }
}

extension DatasetLoader {
    /// Loads the images of `provider`, split as `options` say.
    static func load(_ provider: DataProvider, _ options: DataOptions, seed: UInt64) throws -> LoadedData {
        for (key, isGiven) in [("files", options.files != nil), ("directory", options.directory != nil)] where isGiven {
            throw InputError(
                "data.\(key)", expected: "nothing beside data.provider, which brings all images",
                received: key == "directory" ? options.directory ?? "" : "files",
                remedy: "leave out one of the two\(key == "directory" ? " (--data is data.directory)" : "")")
        }
        guard options.source != .sample else {
            throw InputError(
                "data.source", expected: "auto or full beside data.provider", received: "sample",
                remedy: "leave out one of the two: the sample is the package's own")
        }
        let provided = try provider.kind.load(), type = provider.type
        @Sendable func check(_ set: ImageSet, _ half: String) throws(InputError) {
            let train = provided.train
            guard set.count > 0 else {
                throw InputError("data.provider (\(type))", expected: "images for \(half)", received: "none")
            }
            guard (set.height, set.width, set.channels) == (train.height, train.width, train.channels),
                set.classNames == train.classNames
            else {
                throw InputError(
                    "data.provider (\(type))",
                    expected: "\(train.height)×\(train.width)×\(train.channels) and the classes of training in \(half)",
                    received: "\(set.height)×\(set.width)×\(set.channels), \(set.classNames.joined(separator: ", "))")
            }
        }
        try check(provided.train, "training")
        if let validation = provided.validation {
            try check(validation, "validation")
            try options.checkValidationFraction(beside: type)
        }
        let parts =
            provided.validation == nil
            ? StratifiedSplit.indices(of: provided.train.labels, fraction: options.validationFraction, seed: seed) : nil
        return LoadedData(
            dataset: type, source: .full, directory: "data.provider",
            train: parts.map { $0.validation.isEmpty ? provided.train : provided.train.subset($0.train) }
                ?? provided.train,
            validation: provided.validation ?? provided.train.subset(parts?.validation ?? []),
            digests: try digests(provided.train, "train"), notes: []
        ) {
            let test = try provided.test()
            try check(test, "the test")
            return LoadedData.Test(images: test, digests: try digests(test, "test"), notes: [])
        }
    }

    private static func digests(_ set: ImageSet, _ half: String) throws(OperationError) -> [String: String] {
        try [
            "\(half) images": Digest.hex(set.images),
            "\(half) labels": Digest.hex(set.labels),
        ].merging(set.targetDigests(half)) { $1 }
    }
}
