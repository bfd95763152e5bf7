/// Assembles pages into forms: consecutive pages belong to the same form as long as their page numbers increase, and
/// pictures in between on which no page was found are just those that are missing. Blank ones, such as the backs of
/// sheets, count for nothing. No field links the pages of a form, so that their order is all there is to go by.
struct FormAssembly {
    struct Form {
        /// The pages by number; nil for a missing page.
        var pages: [PageRecord?]

        var files: [String] { pages.compactMap { $0?.file } }
    }

    private let pageCount: Int
    private var open: [PageRecord?]?
    /// The pictures since the last page on which none was found.
    private var lost = 0

    init(_ template: FormTemplate) { pageCount = template.pages.count }

    /// Adds the next page.
    /// - Returns: For a one-page template, the form of `page`; otherwise the previous form if `page` starts a new one.
    mutating func add(_ page: PageRecord) -> Form? {
        if page.isBlank { return nil }
        // With a one-page template, every sheet is a form, whether its page was found or not.
        if pageCount == 1 { return Form(pages: [page]) }
        guard let number = page.page else {
            lost += 1
            return nil
        }
        defer { lost = 0 }
        let last = open?.lastIndex { $0 != nil }
        if let last, number > last, lost == 0 || number == last + 1 + lost, var pages = open {
            pages[number] = page
            open = pages
            return nil
        }
        let done = end()
        var pages = [PageRecord?](repeating: nil, count: pageCount)
        pages[number] = page
        open = pages
        return done
    }

    /// Returns the last form.
    mutating func end() -> Form? {
        defer { open = nil }
        return open.map { Form(pages: $0) }
    }
}
