/**
 * The words of the page, in plain ones: name of an entry, for links -> what it is called and what it means. An entry comes
 * where its word comes up first, from a weight to a whole experiment. No DOM here.
 *
 * @type {Readonly<Record<string, {word: string, text: string}>>}
 */
export const GLOSSARY = Object.freeze({
  weight: { word: "Weight", text: "One of the numbers that the network multiplies by, and that training changes. Small networks have tens of thousands of them, large ones millions." },
  level: { word: "Level", text: "One of the values that a rounded weight can have. 4 bits tell at most 16 levels apart; the published method uses 15, from −7 to 7 times the scale. A level that no weight of a layer rounds to is out of use." },
  grid: { word: "Grid", text: "All levels that the same weights round to: the levels of the scheme, times the scale." },
  scale: { word: "Scale", text: "What the levels are multiplied by: on an even grid, the distance from one level to the next. It follows from the weights, or is learned." },
  granularity: { word: "Granularity", text: "How many weights share a scale: the whole net, a layer, an output channel, or a group of 32, 64 or 128 weights. Fewer weights a scale fit their grid better, and every scale takes memory of its own." },
  latent: { word: "Latent weight", text: "The 32-bit number behind a rounded weight. Training moves it by steps too small for the grid; at every step it is rounded anew, and the network sees only the rounded one. Also called master weight." },
  flip: { word: "Flip", text: "A weight flips when a training step moves its latent weight so far that it rounds to another level. Flips a step is the share of a layer’s weights that did so in the last one." },
  "straight-through": { word: "Straight-through", text: "Rounding is a staircase: its slope is 0 nearly everywhere, so that nothing could learn through it. The straight-through estimator takes the slope for 1 instead: the gradient of the rounded weight is handed on to the latent one." },
  saturation: { word: "Saturation", text: "The share of a layer’s weights that lie on the two outermost levels. A little is normal; much means that the grid is too narrow, and large weights are cut off at its ends. The strip shows the layer where it is highest." },
  entropy: { word: "Entropy", text: "How evenly the weights of a layer use its levels, in bits: 0 where all lie on one level, and as many bits as there are to tell all levels apart where each holds as many." },
  "tanh-clipping": { word: "Tanh clipping", text: "After each step a weight W becomes l tanh(W / l): small ones stay, large ones are pulled back below the limit l. So no single weight stretches the grid of its layer." },
  outlier: { word: "Outlier", text: "A weight far larger than the others. A grid that reaches to it has its levels far apart, and the others share few of them." },
  scheme: { word: "Scheme", text: "A rule by which values are rounded: where its levels lie, and how the scale is found. Also called quantizer." },
  activation: { word: "Activation", text: "What a layer hands on to the next. Behind a ReLU it is 0 or more. Activations stay in FP32 unless a scheme for them is chosen." },
  "heat-map": { word: "Heat map: what it looked at", text: "How much each pixel has to do with the class that the network takes a picture for. Its answer is handed back through the layers, to each value its share (layer-wise relevance propagation), down to the pixels; some speak for that class, others against it. An untrained network looks everywhere." },
  gradient: { word: "Gradient, and its norm", text: "How the loss would change with each weight: the direction that training follows. Its norm is its length over all weights. Near 0 nothing moves any more; many times its usual size, a step goes too far, which gradient clipping prevents by holding the norm to a bound." },
  loss: { word: "Loss", text: "How surprised the network is by the right answers, on average: 0 where it is sure of all of them. Guessing among ten classes gives 2.30. Training makes it smaller." },
  accuracy: { word: "Accuracy, and what stands behind ±", text: "The share of pictures that get the right class. Test accuracy is of pictures that the network never trained on. With few test pictures chance moves it: the true accuracy lies within ± in 95 of 100 cases." },
  epoch: { word: "Step and epoch", text: "A training step looks at one batch of pictures and changes the weights once. An epoch is all training pictures once, and a test pass at its end." },
  race: { word: "Race and fork", text: "Two runs side by side that differ in what you choose. A race begins with the same seed, pictures and first weights. A fork is a copy of a run as it is now: both have all before it in common." },
  sweep: { word: "Sweep", text: "Every combination of some settings, each with several seeds, trained one after the other." },
  qat: { word: "Quantization-aware training, and quantizing after it", text: "Trained with its rounding, a network learns weights that round well. Rounded only afterwards, it loses little at 8 bits, and from some number of bits on nearly everything: the cliff." },
  fp32: { word: "FP32", text: "Numbers of 32 bits with a floating point, rounded to nothing coarser: what networks usually train in, and what few bits are held against." },
});
