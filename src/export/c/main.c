
#ifdef NIBBLE_MAIN
#include <stdio.h>

/* Prints the class that a picture is taken for, and the logits; gives it. */
static int nibble_print(const uint8_t *pixels)
{
    static int8_t arena[NIBBLE_ARENA];
    int32_t logits[NIBBLE_CLASSES];
    int most = 0;
    nibble_logits(pixels, arena, logits);
    for (int i = 1; i < NIBBLE_CLASSES; i++)
        most = logits[i] > logits[most] ? i : most;
    printf("%s", nibble_classes[most]);
    for (int i = 0; i < NIBBLE_CLASSES; i++)
        printf("\t%ld", (long)logits[i]);
    printf("\n");
    return most;
}

/* Without an argument the test vectors; else a file of pictures, 3,072 bytes R G B each. */
int main(int count, char **arguments)
{
    static uint8_t pixels[NIBBLE_PIXELS];
    if (count < 2) {
        int wrong = 0;
        for (int i = 0; i < NIBBLE_TESTS; i++) {
            static int8_t arena[NIBBLE_ARENA];
            int32_t logits[NIBBLE_CLASSES];
            nibble_logits(nibble_test_pixels[i], arena, logits);
            for (int j = 0; j < NIBBLE_CLASSES; j++)
                wrong += logits[j] != nibble_test_logits[i][j];
            nibble_print(nibble_test_pixels[i]);
        }
        printf("%d test pictures, %d logits that are not those of the reference\n", NIBBLE_TESTS, wrong);
        return wrong != 0;
    }
    FILE *file = fopen(arguments[1], "rb");
    if (!file) {
        perror(arguments[1]);
        return 2;
    }
    while (fread(pixels, 1, sizeof pixels, file) == sizeof pixels)
        nibble_print(pixels);
    fclose(file);
    return 0;
}
#endif

#endif
