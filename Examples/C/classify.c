/* Reads the pictures that are named, by the model in the box or the one after --model:
 *
 *     cc Examples/C/classify.c -ISources/CInterface -L.build/debug -lnumeral -Wl,-rpath,$PWD/.build/debug -o classify
 *     ./classify docs/examples/form.jpg
 */
#include <numeral.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments) {
    char error[512] = "";
    numeral_model *model;
    int first = count > 2 && !strcmp(arguments[1], "--model") ? 3 : 1;
    if (numeral_abi_version() != NUMERAL_ABI_VERSION) {
        fprintf(stderr, "libnumeral: expected version %d of its interface, received %d\n", NUMERAL_ABI_VERSION,
                numeral_abi_version());
        return 1;
    }
    if (numeral_load(first == 3 ? arguments[2] : "box", 0, &model, error, sizeof error)) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    for (int i = first; i < count; i++) {
        numeral_character found[256];
        int64_t size;
        if (numeral_read_file(model, arguments[i], found, 256, &size, error, sizeof error)) {
            fprintf(stderr, "%s\n", error);
            return 2;
        }
        if (size > 256) fprintf(stderr, "%s: only the first 256 of %lld characters\n", arguments[i], (long long)size);
        printf("%s:", arguments[i]);
        for (int64_t k = 0; k < size && k < 256; k++)
            printf("%s%s", k && found[k].line > found[k - 1].line ? "\n  " : " ", numeral_class_name(model, found[k].label));
        printf("\n");
    }
    numeral_free(model);
    return 0;
}
