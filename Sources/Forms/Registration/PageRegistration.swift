import Foundation
import Pictures

/// The position of a form's page in a picture.
package struct RegisteredPage: Sendable {
    /// The index of the page in the template.
    package var page: Int
    /// The map from the page to the picture.
    package var map: Homography
    /// The fraction of the page's lines and marks that are detected where the map has them.
    package var agreement: Double
    /// The root-mean-square residual of the matched lines and marks, in pixels of the picture.
    package var error: Double
}

/// The reason why no page of the template was found in a picture, as a message for people.
package struct RegistrationFailure: Error, Hashable, Sendable {
    package var reason: String
    /// Whether a page was found, but not which or which way up.
    var isAmbiguous = false
}

/// Finds the pages of a form in pictures: rotated by up to 10° from any multiple of 90°, scaled, in perspective, with
/// cropped margins.
///
/// The vanishing points of the lines, which are parallel on paper, rectify the picture up to scale and offset. Each
/// axis is then searched independently by voting of page lines with detected lines; marks provide further guesses. The
/// best guesses are refined to a projective map by least squares over all lines and marks. A page is found if most of
/// its lines are detected and no other page or orientation fits nearly as well; otherwise the picture is rejected for a
/// person to look at.
struct PageRegistration {
    private let template: FormTemplate
    private let plans: [FormPagePlan]

    /// The maximum numbers of guesses that are scored, and of guesses per orientation that are refined.
    private static let (mostGuesses, mostRefined) = (400, 4)
    /// The minimum fraction of the page's lines and marks inside the picture that must be detected.
    private static let leastAgreement = 0.6
    /// The minimum fraction of the page's lines and marks that must lie inside the picture.
    private static let leastInside = 0.5
    /// The score of another page or orientation, relative to the best, above which the result is ambiguous.
    private static let mostAmbiguous = 0.9
    /// The width or height of what lies beside a page, relative to the page's, in which another could be found.
    private static let leastBeside = leastInside
    /// The maximum residual, in pixels of the downsampled picture.
    private static let mostError = 1.2

    init(_ template: FormTemplate) {
        self.template = template
        plans = template.pages.map { FormPagePlan($0) }
    }

    private struct Candidate {
        var page: Int
        var turn: Int
        var map: Homography
        var error: Double
        var score: PageFit.Score
    }

    /// Finds the page in a picture.
    /// - Throws: A ``RegistrationFailure`` if no page is found, if the result is ambiguous, or if there is another page
    ///   beside it, whose writing would be lost.
    func find(in image: GreyImage) throws(RegistrationFailure) -> (RegisteredPage, PageFit) {
        let found = try findOne(in: image)
        for box in boxes(beside: found.0, in: image) {
            guard let part = image.part(box), isPage(part) else { continue }
            throw RegistrationFailure(
                reason: "it shows two pages of the form side by side: scan them one at a time, or cut the picture")
        }
        return found
    }

    /// Whether a picture shows a page, of whichever number and orientation.
    private func isPage(_ image: GreyImage) -> Bool {
        do throws(RegistrationFailure) {
            _ = try findOne(in: image, isThorough: false)
            return true
        } catch {
            return error.isAmbiguous
        }
    }

    /// Returns the parts of a picture beside a page that are large enough for another.
    private func boxes(beside found: RegisteredPage, in image: GreyImage) -> [PixelBox] {
        let size = plans[found.page].size
        let corners = [Point(0, 0), Point(size.x, 0), size, Point(0, size.y)].map { found.map($0) }
        let low = corners.reduce(corners[0]) { Point(min($0.x, $1.x), min($0.y, $1.y)) }
        let high = corners.reduce(corners[0]) { Point(max($0.x, $1.x), max($0.y, $1.y)) }
        let left = Int(max(low.x, 0)), right = Int(min(max(high.x, 0), Double(image.width)))
        let top = Int(max(low.y, 0)), bottom = Int(min(max(high.y, 0), Double(image.height)))
        return [
            PixelBox(x: 0, y: 0, width: left, height: image.height),
            PixelBox(x: right, y: 0, width: image.width - right, height: image.height),
            PixelBox(x: 0, y: 0, width: image.width, height: top),
            PixelBox(x: 0, y: bottom, width: image.width, height: image.height - bottom),
        ].filter {
            Double($0.width) >= Self.leastBeside * (high.x - low.x)
                && Double($0.height) >= Self.leastBeside * (high.y - low.y)
        }
    }

    /// - Parameter isThorough: Whether to search further where the usual guesses find nothing, which takes longest.
    private func findOne(in image: GreyImage, isThorough: Bool = true) throws(RegistrationFailure) -> (
        RegisteredPage, PageFit
    ) {
        let observed = ObservedPage(image, withMarks: plans.contains { !$0.marks.isEmpty })
        let fits = plans.map { PageFit($0, observed) }
        let searches = plans.map { RegistrationSearch(plan: $0, observed: observed) }
        func guess(_ turns: [Int]) -> [Candidate] {
            fits.indices.flatMap { candidates($0, fits[$0], searches[$0].fromLines(turns: turns), isWide: false) }
        }
        var found =
            fits.indices.flatMap { candidates($0, fits[$0], searches[$0].fromMarks(), isWide: false) } + guess([0, 2])
        // A portrait page hardly fits a picture of it turned sideways.
        let isSquare = plans.contains { RegistrationSearch.aspects.contains($0.size.x / $0.size.y) }
        if isSquare || isThorough && !found.contains(where: isFound) { found += guess([1, 3]) }
        if isThorough, !found.contains(where: isFound) {
            // Three marks do not determine the perspective, so lines may be far off.
            found += fits.indices.flatMap { candidates($0, fits[$0], searches[$0].fromMarks(), isWide: true) }
        }
        found.sort { $0.score.value > $1.score.value }
        guard let best = found.first else {
            throw RegistrationFailure(reason: "no lines or marks of a form are seen")
        }
        guard isFound(best) else {
            throw RegistrationFailure(
                reason: "the form was not found: \(Int(100 * best.score.recall)) % of its lines and marks, at best")
        }
        let rival = found.first { $0.page != best.page || $0.turn != best.turn }
        if let rival, rival.score.value > Self.mostAmbiguous * best.score.value {
            throw RegistrationFailure(
                reason: rival.page != best.page
                    ? "it may be page \(best.page + 1) or \(rival.page + 1)" : "it may be either way up",
                isAmbiguous: true)
        }
        let zoom = Double(observed.reduction)
        let map = Homography(scale: Point(zoom, zoom), offset: .zero).after(best.map)
        return (
            RegisteredPage(
                page: best.page, map: map, agreement: best.score.recall, error: best.error * zoom), fits[best.page]
        )
    }

    private func isFound(_ candidate: Candidate) -> Bool {
        candidate.score.inside >= Self.leastInside && candidate.score.recall >= Self.leastAgreement
            && candidate.error <= Self.mostError
    }

    /// Refines the most promising guesses of each orientation.
    private func candidates(_ page: Int, _ fit: PageFit, _ maps: [Homography], isWide: Bool) -> [Candidate] {
        let guesses = maps.prefix(Self.mostGuesses).map { ($0, isWide ? 0 : fit.score($0, isFine: false).value) }
            .enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map(\.element.0)
        return (0..<4).flatMap { turn in
            guesses.filter { Self.turn(of: $0, plans[page]) == turn }.prefix(Self.mostRefined).map { map in
                let (refined, error) = fit.refined(map, isWide: isWide)
                return Candidate(
                    page: page, turn: turn, map: refined, error: error, score: fit.score(refined, isFine: true))
            }
        }
    }

    /// Returns the number of quarter turns by which `map` rotates the page.
    private static func turn(of map: Homography, _ plan: FormPagePlan) -> Int {
        let step = map.steps(at: plan.size / 2).x
        if abs(step.x) >= abs(step.y) { return step.x > 0 ? 0 : 2 }
        return step.y > 0 ? 1 : 3
    }
}
