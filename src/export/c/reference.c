/* ---- Reference: plain C99, no malloc, no floating-point numbers. Convolutions are what takes time; weights, biases,
 * multipliers and shifts are in the order that CMSIS-NN's functions for 4-bit weights take them. ---- */

/* (x * multiplier + 2^(shift - 1)) / 2^shift, rounded down, within 32 bits. CMSIS-NN's shift is 31 less this one. */
static int32_t nibble_requantize(int32_t x, int32_t multiplier, int shift)
{
    int64_t product = (int64_t)x * multiplier + ((int64_t)1 << (shift - 1));
    /* How C shifts negative numbers is the compiler's choice. */
    int64_t result = product >= 0 ? product >> shift : -((-product - 1) >> shift) - 1;
    return result > INT32_MAX ? INT32_MAX : result < INT32_MIN ? INT32_MIN : (int32_t)result;
}

/* What integers of a result mean: the one of zero, the least and the most. */
typedef struct {
    int16_t zero;
    int16_t least;
    int16_t most;
} nibble_span;

static int32_t nibble_bound(int32_t distance, const nibble_span *span)
{
    int64_t value = (int64_t)distance + span->zero;
    return value < span->least ? span->least : value > span->most ? span->most : (int32_t)value;
}

typedef struct {
    int16_t h, w, c;            /* of the input */
    int16_t size, stride;       /* of the window; 1 and 1 for a linear layer */
    int16_t outputs;
    int16_t bits;               /* of a weight: 4, two to a byte, the first in the low nibble; or 8 */
    int16_t zero;               /* of the input */
    nibble_span span;           /* of the result */
    const uint8_t *weights;     /* [out][h][w][in] */
    const int32_t *bias;
    const int32_t *multiplier;
    const uint8_t *shift;
} nibble_conv;

static int32_t nibble_weight(const nibble_conv *layer, uint32_t at)
{
    if (layer->bits == 4) {
        int32_t nibble = at % 2 ? layer->weights[at / 2] >> 4 : layer->weights[at / 2] & 15;
        return nibble < 8 ? nibble : nibble - 16;
    }
    return layer->weights[at] < 128 ? layer->weights[at] : layer->weights[at] - 256;
}

/* x is [h][w][c], y [h / stride][w / stride][outputs]. The last layer's results are the logits. */
static void nibble_convolve(const nibble_conv *layer, const int8_t *x, int8_t *y, int32_t *logits)
{
    int pad = layer->size / 2, at = 0;
    for (int row = -pad; row < layer->h - pad; row += layer->stride) {
        for (int column = -pad; column < layer->w - pad; column += layer->stride) {
            for (int output = 0; output < layer->outputs; output++) {
                int32_t sum = layer->bias[output];
                for (int kh = 0; kh < layer->size; kh++) {
                    for (int kw = 0; kw < layer->size; kw++) {
                        int h = row + kh, w = column + kw;
                        if (h < 0 || w < 0 || h >= layer->h || w >= layer->w)
                            continue;
                        const int8_t *pixel = x + ((int32_t)h * layer->w + w) * layer->c;
                        uint32_t first = (((uint32_t)output * layer->size + kh) * layer->size + kw) * layer->c;
                        for (int c = 0; c < layer->c; c++)
                            sum += nibble_weight(layer, first + c) * (pixel[c] - layer->zero);
                    }
                }
                sum = nibble_requantize(sum, layer->multiplier[output], layer->shift[output]);
                sum = nibble_bound(sum, &layer->span);
                if (logits)
                    logits[at++] = sum;
                else
                    y[at++] = (int8_t)sum;
            }
        }
    }
}

#ifdef NIBBLE_ADD
typedef struct {
    const int8_t *x;
    int16_t zero;
    int32_t factor;
} nibble_term;

/* (sum of factor (x - zero)) / 2^shift. */
static void nibble_add(const nibble_term *terms, int count, int shift, int length, const nibble_span *span, int8_t *y)
{
    for (int i = 0; i < length; i++) {
        int32_t sum = 0;
        for (int term = 0; term < count; term++)
            sum += terms[term].factor * (terms[term].x[i] - terms[term].zero);
        y[i] = (int8_t)nibble_bound(nibble_requantize(sum, 1, shift), span);
    }
}
#endif

#ifdef NIBBLE_MAX_POOL
/* The largest of 2 x 2 pixels. */
static void nibble_max_pool(const int8_t *x, int h, int w, int c, int8_t *y)
{
    for (int row = 0; row + 1 < h; row += 2) {
        for (int column = 0; column + 1 < w; column += 2) {
            const int8_t *corner = x + (row * w + column) * c;
            for (int i = 0; i < c; i++) {
                int8_t most = corner[i];
                most = corner[c + i] > most ? corner[c + i] : most;
                most = corner[w * c + i] > most ? corner[w * c + i] : most;
                most = corner[w * c + c + i] > most ? corner[w * c + c + i] : most;
                *y++ = most;
            }
        }
    }
}
#endif

#ifdef NIBBLE_MEAN
/* The sum of all pixels, requantized. */
static void nibble_mean(const int8_t *x, int pixels, int c, int zero, int32_t multiplier, int shift,
                        const nibble_span *span, int8_t *y)
{
    for (int i = 0; i < c; i++) {
        int32_t sum = 0;
        for (int pixel = 0; pixel < pixels; pixel++)
            sum += x[pixel * c + i] - zero;
        y[i] = (int8_t)nibble_bound(nibble_requantize(sum, multiplier, shift), span);
    }
}
#endif

#ifdef NIBBLE_FLATTEN
/* From [h][w][c] to [c][h][w]. */
static void nibble_flatten(const int8_t *x, int pixels, int c, int8_t *y)
{
    for (int i = 0; i < c; i++)
        for (int pixel = 0; pixel < pixels; pixel++)
            *y++ = x[pixel * c + i];
}
#endif

#ifdef NIBBLE_RESCALE
static void nibble_rescale(const int8_t *x, int length, int zero, int32_t multiplier, int shift,
                           const nibble_span *span, int8_t *y)
{
    for (int i = 0; i < length; i++)
        y[i] = (int8_t)nibble_bound(nibble_requantize(x[i] - zero, multiplier, shift), span);
}
#endif

