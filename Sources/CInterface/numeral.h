/* Numeral for programs in C, and in whatever calls C: load a model, classify images, read pictures.
 *
 * Link with -lnumeral (`swift build -c release --product numeral` makes libnumeral.so). Every function may be called from any
 * thread, for one model from several at once. Text is UTF-8.
 *
 * Functions that can fail return NUMERAL_OK, or another code, and then write what was wrong into `error`, one line of at most
 * `error_size` bytes with its final zero; `error` may be null.
 */
#ifndef NUMERAL_H
#define NUMERAL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised where a program that was compiled with an older header would go wrong. */
#define NUMERAL_ABI_VERSION 1

enum {
    NUMERAL_OK = 0,
    NUMERAL_FAILED = 1,   /* the work failed: memory, a disk, the BLAS */
    NUMERAL_BAD_INPUT = 2 /* what was given cannot be used: a file, a size, a number */
};

/* A model. Opaque. */
typedef struct numeral_model numeral_model;

/* A character that was found in a picture. */
typedef struct {
    int32_t label;               /* its class, from 0 */
    float confidence;            /* the probability of that class, calibrated where the model knows how */
    int32_t line;                /* the line it stands in, from 0 at the top */
    int32_t x, y, width, height; /* its place, in pixels of the picture */
} numeral_character;

/* The NUMERAL_ABI_VERSION of the library: compare it with the header's. */
int32_t numeral_abi_version(void);
/* The library's version, such as "0.1.0". */
const char *numeral_version(void);

/* Loads a run folder, a model file, or with "box" the model in the box (whose file stands in numeral_Experiments.resources
 * beside the library). `threads` compute where there are many images; 0: as many as there are cores.
 * *model is null unless NUMERAL_OK is returned. */
int32_t numeral_load(const char *path, int32_t threads, numeral_model **model, char *error, int64_t error_size);
/* Frees a model that no call is using; null is allowed. */
void numeral_free(numeral_model *model);

/* How many classes there are. */
int32_t numeral_class_count(const numeral_model *model);
/* The name of class `label`, as long as the model lives; null where there is no such class. */
const char *numeral_class_name(const numeral_model *model, int32_t label);
/* Height, width and channels of an image. */
void numeral_input_shape(const numeral_model *model, int32_t shape[3]);

/* Class probabilities [count, classes] of images [count, height, width, channels], row by row, 0 for the background. */
int32_t numeral_classify_bytes(const numeral_model *model, const uint8_t *pixels, int64_t count, float *probabilities,
                               char *error, int64_t error_size);
/* The same for numbers in [0, 1]. */
int32_t numeral_classify_floats(const numeral_model *model, const float *pixels, int64_t count, float *probabilities,
                                char *error, int64_t error_size);

/* Finds the characters in a picture (PNG, JPEG, PBM, PGM, PPM) and reads them, in reading order, as `trainer predict --segment`
 * does. The first `capacity` are written to `characters`; *count is how many there are. */
int32_t numeral_read_file(const numeral_model *model, const char *path, numeral_character *characters, int64_t capacity,
                          int64_t *count, char *error, int64_t error_size);
/* The same for a picture's file in memory. */
int32_t numeral_read_bytes(const numeral_model *model, const uint8_t *bytes, int64_t size, numeral_character *characters,
                           int64_t capacity, int64_t *count, char *error, int64_t error_size);

#ifdef __cplusplus
}
#endif
#endif
