/// The pictures of images and weights that a run has.
package struct RunPictures: Sendable {
    package var mistakes: Mistakes
    /// Nil if it could not be computed.
    package var embedding: EmbeddingMap?
    /// Nil if nothing was augmented or trained.
    package var augmentation: AugmentationSheet?
    /// Nil if no convolution takes the images as input.
    package var filters: FilterSheet?

    package init(
        mistakes: Mistakes, embedding: EmbeddingMap? = nil, augmentation: AugmentationSheet? = nil,
        filters: FilterSheet? = nil
    ) {
        self.mistakes = mistakes
        self.embedding = embedding
        self.augmentation = augmentation
        self.filters = filters
    }
}
