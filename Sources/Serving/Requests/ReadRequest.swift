import Formats
import Foundation
import Pictures
import Recognition
import Tensors

/// `POST /read`: pictures as files. The response is that of `trainer predict --json` for the same bytes.
struct ReadRequest: Sendable {
    struct File: Sendable {
        /// The name that `predict` would give the file.
        var name: String
        var bytes: [UInt8]
    }

    let files: [File]
    let model: Int
    let mode: DigitReader.Mode
    let explains: Bool
    /// The confidence below which characters are rejected; 0 rejects none.
    let reject: Double
    /// See ``ReadingRecord/known``.
    let known: Double

    private static let options = ["segment", "raw", "explain", "reject", "known", "model"]

    /// - Throws: a ``ServiceError`` that names the invalid option or part of the body.
    init(_ request: ServiceRequest, models: [ServedModel]) throws(ServiceError) {
        var flags: Set<String> = []
        var reject = 0.0, known: Double?, model = 0
        for (name, value) in request.query {
            switch name {
            case "segment", "raw", "explain":
                switch value {
                case "", "1", "true": flags.insert(name)
                case "0", "false": flags.remove(name)
                default:
                    throw ServiceError(.badRequest, "?\(name): expected true or false · received \(printable(value))")
                }
            case "reject":
                guard let number = Double(value), number > 0, number <= 1 else {
                    throw ServiceError(
                        .badRequest, "?reject: expected a probability in (0, 1] · received \(printable(value))")
                }
                reject = number
            case "known":
                guard let number = Double(value), number >= 0.5, number <= 1 else {
                    throw ServiceError(
                        .badRequest, "?known: expected a share in [0.5, 1] · received \(printable(value))")
                }
                known = number
            case "model":
                model = try models.index(named: value, place: "?model")
            default:
                let remedy = Spelling.remedy(for: name, among: Self.options)
                throw ServiceError(
                    .badRequest,
                    "the query: expected \(Self.options.joined(separator: ", ")) · received \(printable(name))"
                        + (remedy.isEmpty ? "" : " · \(remedy)"))
            }
        }
        guard !flags.isSuperset(of: ["raw", "segment"]) else {
            throw ServiceError(.badRequest, "?raw and ?segment: expected one of them")
        }
        mode = flags.contains("raw") ? .raw : flags.contains("segment") ? .segment : .single
        guard mode == .segment || !models[model].isOfLines else {
            throw ServiceError(
                .badRequest, "?segment: expected with \(models[model].name), a network of lines · received none")
        }
        explains = flags.contains("explain")
        (self.reject, self.known, self.model) = (reject, known ?? ReadingRecord.usualShare(mode), model)
        files = try Self.files(request)
    }

    private static func files(_ request: ServiceRequest) throws(ServiceError) -> [File] {
        guard let boundary = request.header("content-type").flatMap(Multipart.boundary) else {
            guard !request.body.isEmpty else {
                throw ServiceError(
                    .badRequest, "the body: expected a picture's bytes, or multipart/form-data · received nothing")
            }
            return [File(name: "-", bytes: request.body)]
        }
        let parts = try Multipart.parts(request.body, boundary: boundary)
        let files = parts.compactMap { part in part.fileName.map { File(name: $0, bytes: Array(part.bytes)) } }
        guard files.count == parts.count, !files.isEmpty else {
            throw ServiceError(
                .badRequest,
                "multipart/form-data: expected files, each with its file name · received \(parts.count) parts, "
                    + "\(files.count) of them files")
        }
        return files
    }

    /// Returns the only picture if it is valid, within `limits` and to be read as one character; otherwise nil.
    func smallPicture(_ limits: ImageLimits) -> GreyImage? {
        guard files.count == 1, mode != .segment, !explains else { return nil }
        return try? ImageDecoder.decode(files[0].bytes, place: "", limits: limits)
    }

    /// Reads every picture; a single one may be decoded already. Together they may have as many pixels as one. A picture
    /// that cannot be read is reported in its place, as in `predict`; if none could be read, the status says so.
    func answer(
        _ reader: DigitReader, model: ServedModel, limits: ImageLimits, decoded: GreyImage? = nil,
        ends: () -> ServiceError? = { nil }
    ) -> ServiceResponse {
        var limits = limits
        limits.budget = PixelBudget(limits.pixels)
        var output = ReadingsFile(model: model.shownName, temperature: reader.isCalibrated ? reader.temperature : nil)
        var read = 0
        for file in files {
            if let error = ends() { return error.response }
            do {
                let place = file.name == "-" ? "standard input" : file.name
                let grey = reader.seesColour ? nil : decoded.map { ColourImage(planes: [$0]) }
                let picture = try grey ?? reader.decode(file.bytes, place: place, limits: limits)
                guard !explains || !reader.seesColour else {
                    throw InputError("explain", expected: "a network of one channel", received: "one that sees colours")
                }
                let reading = try reader.read(picture, mode, place: place)
                guard mode == .segment || !reading.characters.isEmpty else {
                    throw InputError(place, expected: "a picture of a digit", received: "one in which none was found")
                }
                output.add(
                    ReadingRecord(
                        file: file.name, reading: reading, classNames: reader.classNames, reject: reject, known: known),
                    explanation: explains ? try Explanation(picture.planes[0], reading, reader: reader).encoded() : nil)
                read += 1
            } catch let error as InputError {
                output.add(file: file.name, error: error.description)
            } catch {
                return ServiceError(.serverError, "\(error)").response
            }
        }
        do {
            return ServiceResponse(
                read > 0 ? .ok : .unprocessable, contentType: "application/json", body: try output.encoded())
        } catch {
            return ServiceError(.serverError, error.description).response
        }
    }
}
