/* molrt.h: molecule property models on plain CPUs, from any language.
 *
 * CONVENTIONS
 *  1. Status. Every function returns an int32_t: MOLRT_OK (0) or one of the negative MOLRT_ERROR_*
 *     numbers, which never change. The exceptions are molrt_*_free (void) and the functions that
 *     return a constant, a size or a text; these neither set nor clear the last error.
 *  2. Last error. molrt_last_error() is the thread's own text of its last failure; it names the file,
 *     tensor, row, SMILES or option, what was expected and what was found. Every other function that
 *     returns a status clears it at entry.
 *  3. Bad molecules. A bad molecule is its row's status and a row of NaN, never a failed call. Output
 *     rows are the batch's rows, in order, always.
 *  4. Ownership. Handles are opaque and freed by their molrt_*_free; NULL is fine there. A handle
 *     keeps alive what it was made from: the order of frees does not matter. Strings and arrays that
 *     you pass are copied before the call returns. Results are written to memory that you allocate.
 *     A returned `const char*` that is not a constant lives as long as the handle it came from, and
 *     until that handle's next non-const call.
 *  5. Texts are UTF-8 and end in NUL. A function with (buffer, capacity, needed) writes the text with
 *     its NUL if `capacity` suffices and always stores the bytes needed, NUL included, in *needed;
 *     buffer may be NULL with capacity 0 to ask for the size, which is MOLRT_OK. With too small a
 *     buffer it returns MOLRT_ERROR_BUFFER_TOO_SMALL and writes nothing.
 *  6. Structs begin with `uint32_t struct_size`. Fill them with their *_init(struct, sizeof *struct)
 *     and change what you need; NULL means the defaults. Fields are only ever appended: an older
 *     (smaller) struct is read as far as it goes and the rest takes defaults; a newer (larger) one is
 *     accepted if the bytes unknown to this library are zero, else MOLRT_ERROR_UNSUPPORTED. In a
 *     struct that a call fills they become zero.
 *  7. Threads. A context, batch, settings or job is used by one thread at a time; a model is immutable
 *     and shared by any number of threads, each with a context of its own. Only molrt_job_cancel may
 *     be called from any thread at any time. Calls block.
 *  8. Callbacks run on the calling thread. One that returns nonzero stops the call, which then returns
 *     MOLRT_ERROR_CANCELLED. A callback must not call molrt on the same handles and must not throw.
 *  9. The library never prints, aborts, exits, or changes the locale or the host's OpenMP settings.
 * 10. fork. A child may use molrt after a fork (its handles and new ones); where the parent
 *     had several threads, the child computes on one.
 * 11. Units: coordinates in Angstrom. Arrays are row-major and contiguous, floats IEEE-754.
 * 12. The same molecule gives the same bytes whatever the batch, its order or the number of threads
 *     (for one CPU instruction set).
 * 13. Versions. The SONAME is libmolrt.so.0.MINOR until version 1.0, libmolrt.so.MAJOR after it. A
 *     program runs, without being built anew, with every library of the same SONAME that is not older
 *     than the header it was built with. Within one SONAME functions, constants, settings and fields at
 *     the ends of structs may be added; nothing that is here changes its meaning or goes.
 */
#ifndef MOLRT_H
#define MOLRT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define MOLRT_API
#else
#define MOLRT_API __attribute__((visibility("default")))
#endif

#define MOLRT_VERSION_MAJOR 0
#define MOLRT_VERSION_MINOR 1
#define MOLRT_VERSION_PATCH 0

/* ---- statuses of calls ------------------------------------------------------------------------ */
#define MOLRT_OK 0
#define MOLRT_ERROR_INVALID_ARGUMENT (-1) /* NULL, a wrong size, an unknown name, a value out of range */
#define MOLRT_ERROR_OUT_OF_MEMORY (-2)
#define MOLRT_ERROR_IO (-3)               /* a file could not be opened, read, written or renamed */
#define MOLRT_ERROR_FORMAT (-4)           /* a file was read but its contents are broken */
#define MOLRT_ERROR_UNSUPPORTED (-5)      /* understood, but this library cannot do it */
#define MOLRT_ERROR_BUFFER_TOO_SMALL (-6)
#define MOLRT_ERROR_CANCELLED (-7)        /* a callback or molrt_job_cancel stopped the call */
#define MOLRT_ERROR_STATE (-8)            /* called too early or too late, such as a job not yet run */
#define MOLRT_ERROR_DATA (-9)             /* labels or molecules from which nothing can be learnt */
#define MOLRT_ERROR_INTERNAL (-10)        /* a defect of molrt */

/* ---- statuses of rows ------------------------------------------------------------------------- */
#define MOLRT_ROW_OK 0
#define MOLRT_ROW_PENDING 1               /* nothing was computed for the row yet */
#define MOLRT_ROW_EMPTY (-1)              /* empty SMILES, or a molecule without atoms */
#define MOLRT_ROW_INVALID_SMILES (-2)
#define MOLRT_ROW_NO_ATOMS (-3)           /* hydrogens only, for a model without hydrogens */
#define MOLRT_ROW_TOO_LARGE (-4)          /* more atoms than the limit */
#define MOLRT_ROW_NO_CONFORMER (-5)       /* RDKit gave neither 3D nor 2D coordinates */
#define MOLRT_ROW_TIMEOUT (-6)            /* the time limit of a molecule passed */
#define MOLRT_ROW_BAD_COORDINATES (-7)    /* given coordinates that are not finite */
#define MOLRT_ROW_NON_FINITE (-8)         /* the network's output is not finite */
#define MOLRT_ROW_OUT_OF_MEMORY (-9)
#define MOLRT_ROW_INTERNAL (-10)
#define MOLRT_ROW_INVALID_MOL_BLOCK (-11)
#define MOLRT_ROW_NO_DESCRIPTORS (-12)    /* for a head that reads RDKit's: atoms without bonds */

/* Where a row's coordinates came from. */
#define MOLRT_SOURCE_NONE 0
#define MOLRT_SOURCE_GIVEN 1
#define MOLRT_SOURCE_ETKDG_MMFF 2         /* RDKit's ETKDG, then MMFF94 */
#define MOLRT_SOURCE_ETKDG 3              /* ETKDG; MMFF94 has no parameters for the molecule */
#define MOLRT_SOURCE_2D 4                 /* a flat drawing (z = 0): 3D embedding failed */

/* Flags of a row, or-ed together. */
#define MOLRT_FLAG_UNKNOWN_ELEMENT 1u     /* at least one element outside the model's dictionary */
#define MOLRT_FLAG_HYDROGENS_ADDED 2u     /* to a given structure (of a MOL block), where read */
#define MOLRT_FLAG_HYDROGENS_REMOVED 4u   /* from a given structure, for a model without hydrogens */
#define MOLRT_FLAG_RETRIED 8u             /* embedded from random coordinates at the second attempt */
#define MOLRT_FLAG_CROPPED 16u            /* atoms beyond the limit were left out, as asked */
#define MOLRT_FLAG_FEWER_CONFORMERS 32u   /* some of those asked for failed: a mean over the others */
#define MOLRT_FLAG_INPUT_MISSING 64u      /* a number beside the molecule that the head reads (a column,
                                             a descriptor): the training rows' mean stands for it */

/* ---- the library ------------------------------------------------------------------------------ */
MOLRT_API uint32_t molrt_version(void);          /* major*1000000 + minor*1000 + patch */
MOLRT_API const char *molrt_version_text(void);  /* "0.1.0" */
MOLRT_API const char *molrt_build_info(void);    /* versions of RDKit and oneDNN, instruction set */
MOLRT_API const char *molrt_last_error(void);    /* "" after a success; never NULL */
MOLRT_API const char *molrt_status_name(int32_t status);         /* "invalid_argument" ...; never NULL */
MOLRT_API const char *molrt_row_status_name(int32_t row_status); /* "invalid_smiles" ...; never NULL */
MOLRT_API const char *molrt_source_name(int32_t source);         /* "etkdg_mmff" ...; never NULL */
MOLRT_API const char *molrt_flag_name(uint32_t flag);            /* one bit: "retried" ...; never NULL */

/* ---- context: threads and log ------------------------------------------------------------------ */
typedef struct molrt_context molrt_context;

#define MOLRT_LOG_INFO 0
#define MOLRT_LOG_NOTICE 1 /* an assumption that the user may want to override */
#define MOLRT_LOG_WARNING 2
typedef void (*molrt_log_callback)(void *user, int32_t level, const char *message);

typedef struct molrt_context_options {
  uint32_t struct_size;
  int32_t threads; /* 0 (default): all cores this process may use */
  molrt_log_callback log; /* NULL (default): messages are dropped */
  void *log_user;
} molrt_context_options;

MOLRT_API int32_t molrt_context_options_init(molrt_context_options *options, size_t struct_size);
MOLRT_API int32_t molrt_context_create(const molrt_context_options *options, molrt_context **context);
MOLRT_API void molrt_context_free(molrt_context *context);

/* ---- conformer cache: conformers that any process has made before --------------------------------- */
/* What became of a context's cache. */
#define MOLRT_CACHE_OFF 0       /* there is none */
#define MOLRT_CACHE_IN_USE 1
#define MOLRT_CACHE_READ_ONLY 2 /* it cannot be written (any more): conformers are only taken from it */
#define MOLRT_CACHE_LOST 3      /* it cannot be used: conformers are made as if there were none */

typedef struct molrt_conformer_cache_info {
  uint32_t struct_size;
  int32_t state;  /* MOLRT_CACHE_* */
  uint64_t found; /* conformers that were taken from the file since it was set */
  uint64_t built; /* conformers that RDKit made beside them; failures do not count */
} molrt_conformer_cache_info;

MOLRT_API int32_t molrt_conformer_cache_info_init(molrt_conformer_cache_info *info, size_t struct_size);
/* From now on calls with this context, and jobs that are made with it, take conformers from the file
 * `path` and put those that they make into it: the same bytes, without the time. NULL: off, which is the
 * default. Counts begin anew.
 *  - max_bytes: of the file and its log; 0: 1 GiB; else at least 65536. What was used longest ago goes
 *    first. Each process keeps to its own limit.
 *  - A conformer is found by the whole text of its molecule, the ladder and the seed (or that it is the
 *    drawing), the versions of RDKit and of the C library, and that of molrt's own recipe. Limits of time
 *    and size do not count: what a limit of size refuses is refused, and what is found takes no time.
 *    Failures, and structures that are given, are not in the file.
 *  - Any number of processes may use the file at the same time, and be killed at any moment. It is made
 *    where it is not there, in a directory that is; nothing is opened by this call. Of a file system
 *    that is not of this machine it may be slow. A program that uses SQLite itself should not open the
 *    file while this library has it open, unless both use the same copy of SQLite.
 *  - A file that is damaged is emptied. One that cannot be used (not a cache, of a newer molrt, locked
 *    for ten seconds, a full disk) fails no call and no row: the log is told with a WARNING, once, by the
 *    thread whose call found out, and the state says so. A file that is not molrt's is never changed.
 * INVALID_ARGUMENT for an empty path and a limit that is too small. */
MOLRT_API int32_t molrt_context_set_conformer_cache(molrt_context *context, const char *path,
                                                    uint64_t max_bytes);
MOLRT_API int32_t molrt_context_get_conformer_cache(const molrt_context *context,
                                                    molrt_conformer_cache_info *info);
/* What is in a file: one JSON object of path, conformers and bytes (with its log), both 0 where there is
 * none. IO; FORMAT for a file that is no cache of this version. */
MOLRT_API int32_t molrt_conformer_cache_describe(const char *path, char *buffer, size_t capacity,
                                                 size_t *needed);
/* Removes all conformers from a file, also while others use it; nothing to do where there is none. IO;
 * FORMAT likewise. */
MOLRT_API int32_t molrt_conformer_cache_clear(const char *path);

/* ---- model: weights, immutable ------------------------------------------------------------------ */
typedef struct molrt_model molrt_model;

/* What is given against what the file says, or what is known of an official file, is told with a WARNING. */
#define MOLRT_HYDROGENS_AUTO 0 /* as the file says; raw weights: molecule all, oled none, with a notice */
#define MOLRT_HYDROGENS_ALL 1
#define MOLRT_HYDROGENS_NONE 2

/* Order of the special tokens' ids. */
#define MOLRT_LAYOUT_AUTO 0           /* as the file says; raw weights: file order, with a notice */
#define MOLRT_LAYOUT_FILE_ORDER 1     /* [PAD] [CLS] [SEP] [UNK] = 0 1 2 3: how the weights were trained */
#define MOLRT_LAYOUT_SPECIALS_FIRST 2 /* 2 0 3 1: unimol_tools 0.1.5 and later */

#define MOLRT_KERNEL_GAUSSIAN 1 /* the molecule architecture's pair kernel */
#define MOLRT_KERNEL_LINEAR 2   /* the OLED architecture's (NumericalEmbed) */

#define MOLRT_HEAD_NONE 0
#define MOLRT_HEAD_LINEAR 1 /* dropout, out_proj */
#define MOLRT_HEAD_POOLED 2 /* dropout, dense, tanh, dropout, out_proj */

/* What the outputs are. */
#define MOLRT_TASK_NONE 0       /* no head */
#define MOLRT_TASK_REGRESSION 1 /* values in the targets' units */
#define MOLRT_TASK_BINARY 2     /* one output: the probability of class 1 */
#define MOLRT_TASK_MULTICLASS 3 /* one output a class: probabilities that add up to 1 */
#define MOLRT_TASK_MULTILABEL 4 /* each output a probability of its own */

#define MOLRT_DTYPE_KEEP 0 /* each tensor as it is */
#define MOLRT_DTYPE_F32 1
#define MOLRT_DTYPE_F16 2
#define MOLRT_DTYPE_BF16 3

/* How a model with dropout predicts. */
#define MOLRT_MODE_AUTO 0          /* as the model says */
#define MOLRT_MODE_DETERMINISTIC 1 /* without dropout */
#define MOLRT_MODE_MC 2            /* the mean of many passes, each with the dropout of training */

/* Error bars learnt from the rows that were held out in training. */
#define MOLRT_CALIBRATION_NONE 0
#define MOLRT_CALIBRATION_AFFINE 1    /* sigma^2 = a s^2 + b of the raw spread s; normal intervals */
#define MOLRT_CALIBRATION_CONFORMAL 2 /* and intervals by the held-out scores |y - f| / sigma */

typedef struct molrt_open_options {
  uint32_t struct_size;
  int32_t hydrogens;           /* MOLRT_HYDROGENS_*; what is given here wins over the file */
  int32_t layout;              /* MOLRT_LAYOUT_*; likewise */
  int32_t max_atoms;           /* 0 (default): as the file says, else 256 */
  const char *dictionary_path; /* NULL (default): by the vocabulary's size, else *.dict.txt beside the
                                  file */
  int32_t fold;                /* -1 (default): all; else this one alone, from 0, of a k-fold model */
} molrt_open_options;

/* An untrained model. Zero sizes mean the official ones of `kernel`. */
typedef struct molrt_architecture {
  uint32_t struct_size;
  int32_t kernel;    /* MOLRT_KERNEL_*; it also chooses the dictionary (molecule's 30, oled's 93) */
  int32_t layers;    /* 15 (molecule), 8 (oled) */
  int32_t width;     /* 512; a multiple of heads */
  int32_t ffn;       /* 2048 */
  int32_t heads;     /* 64 */
  int32_t hydrogens; /* AUTO: molecule all, oled none */
  int32_t layout;    /* AUTO: file order */
  uint64_t seed;     /* 0 (default); the same seed and sizes give the same bytes */
} molrt_architecture;

typedef struct molrt_model_info {
  uint32_t struct_size;
  int32_t kernel, layers, width, ffn, heads, vocabulary;
  int32_t hydrogens, layout, max_atoms;
  int32_t head;     /* MOLRT_HEAD_* */
  int32_t outputs;  /* targets; 0 without a head */
  int32_t folds;    /* networks averaged at prediction; 0 without a head */
  int64_t parameters;
  int64_t bytes_read; /* of the files that the model was opened from: what parsing asked for */
  int32_t task;       /* MOLRT_TASK_* */
  int32_t encoders;   /* folds whose encoders differ have one each; molrt_embed needs exactly one */
  int32_t mode;        /* MOLRT_MODE_DETERMINISTIC or _MC: which predicts better, by its training */
  int32_t calibration; /* MOLRT_CALIBRATION_*: of its error bars */
  int32_t mc_samples;  /* passes of its MC predictions; 0: it was trained without dropout */
  int32_t inputs;     /* numbers that the head reads beside the representation: columns, descriptors,
                         Morgan counts; mostly 0 */
} molrt_model_info;

typedef struct molrt_save_options {
  uint32_t struct_size;
  int32_t dtype; /* MOLRT_DTYPE_*: how floating tensors are stored; KEEP (default) */
} molrt_save_options;

MOLRT_API int32_t molrt_open_options_init(molrt_open_options *options, size_t struct_size);
MOLRT_API int32_t molrt_architecture_init(molrt_architecture *architecture, size_t struct_size);
MOLRT_API int32_t molrt_model_info_init(molrt_model_info *info, size_t struct_size);
MOLRT_API int32_t molrt_save_options_init(molrt_save_options *options, size_t struct_size);

/* Opens molrt's own container, a Uni-Mol checkpoint, a directory saved by unimol_tools as one k-fold model
 * (README, "Weights") or, where there is no such file, the shipped "molecule" or "oled". Files stay open as
 * long as the model and may be replaced or deleted; changed in place, they are an IO error of what needs the
 * weights once more after a prediction has packed them: another precision, saving, training. */
MOLRT_API int32_t molrt_model_open(molrt_context *context, const char *path,
                                   const molrt_open_options *options, molrt_model **model);
/* The same from `size` bytes in memory, which are copied where needed: you may free them afterwards. */
MOLRT_API int32_t molrt_model_open_memory(molrt_context *context, const void *data, size_t size,
                                          const molrt_open_options *options, molrt_model **model);
/* The file or directory that molrt_model_open opens for `path`: for a name alone that of the shipped model.
 * IO where there is neither. */
MOLRT_API int32_t molrt_model_find(const char *path, char *buffer, size_t capacity, size_t *needed);
MOLRT_API int32_t molrt_model_create_untrained(molrt_context *context,
                                               const molrt_architecture *architecture,
                                               molrt_model **model);
/* Writes the container: to a temporary name beside `path`, then renamed. */
MOLRT_API int32_t molrt_model_save(molrt_context *context, const molrt_model *model, const char *path,
                                   const molrt_save_options *options);
MOLRT_API void molrt_model_free(molrt_model *model);

MOLRT_API int32_t molrt_model_get_info(const molrt_model *model, molrt_model_info *info);
/* The name of output `index`, or NULL. Lives as long as the model. */
MOLRT_API const char *molrt_model_target_name(const molrt_model *model, int32_t index);
/* The unit of output `index` ("kcal/mol"), "" where it is not known, or NULL. Lives as long as the
 * model. */
MOLRT_API const char *molrt_model_target_unit(const molrt_model *model, int32_t index);
/* The name of column `index` (molrt_batch_set_columns) that the model's head reads, or NULL. Lives as
 * long as the model. */
MOLRT_API const char *molrt_model_column_name(const molrt_model *model, int32_t index);
/* The probability above which output `index` of a binary or multilabel model is class 1; NaN where the
 * model stores none (then .5 is usual) and for other tasks. */
MOLRT_API int32_t molrt_model_get_threshold(const molrt_model *model, int32_t index,
                                            double *threshold);
/* Everything known of the model as one JSON object: architecture, dictionary, layout, hydrogens, head,
 * task, targets, thresholds, settings, provenance, supported elements. */
MOLRT_API int32_t molrt_model_describe(const molrt_model *model, char *buffer, size_t capacity,
                                       size_t *needed);
/* *supported = 1 if the element's symbol ("Cl") is in the model's dictionary, else 0. */
MOLRT_API int32_t molrt_model_supports_element(const molrt_model *model, const char *symbol,
                                               int32_t *supported);

/* ---- official weights: files that a user downloads; molrt never does ------------------------------ */
/* Uni-Mol's files as a JSON list of objects: "name", "trained_on", "bytes" (give or take "bytes_margin"),
 * "sha256" (null: not known), "hydrogens", "kernel", "dictionary", "vocabulary" (with [MASK]), "layout",
 * "homes" (addresses), "licence". */
MOLRT_API int32_t molrt_official_weights_describe(char *buffer, size_t capacity, size_t *needed);
/* Which of them a file is, as JSON: "path", "bytes", "sha256" (null: it was not needed), "official" (its
 * name, or null) and "verified" (by its sha256; else by its name and size). FORMAT for a file that bears
 * the name of one but has not its size or sha256, such as a download that was cut off; molrt_model_open
 * tells the log the same with a WARNING and opens it. */
MOLRT_API int32_t molrt_official_weights_verify(const char *path, char *buffer, size_t capacity,
                                                size_t *needed);

/* ---- batch: molecules, each with a status -------------------------------------------------------- */
typedef struct molrt_batch molrt_batch;

#define MOLRT_LADDER_DEFAULT 0 /* ETKDG; ETKDG from random coordinates; 2D */
#define MOLRT_LADDER_PEER 1    /* unimol_tools' fast mode: ETKDG; 2D */

typedef struct molrt_conformer_options {
  uint32_t struct_size;
  int32_t ladder;    /* MOLRT_LADDER_* */
  int32_t seed;      /* 42; RDKit's randomSeed, not negative */
  int32_t max_atoms; /* 0 (default): no limit of its own; else larger molecules are not embedded */
  double time_limit; /* seconds an attempt at one conformer may take; default 60; 0: none */
  int32_t count;     /* 1 (default) to 1000: conformers a molecule. Conformer k, from 0, is the ladder
                        with the seed + k; predictions and representations are means over them */
  int32_t flat;      /* 1: the last of them is the flat drawing instead; 0 (default) */
  int32_t canonical; /* 1: a SMILES, or a drawing in a MOL block, is made canonical first, so that a
                        molecule has one answer whatever its text; 0 (default) */
} molrt_conformer_options;
/* The recipe of Uni-Mol's authors: count 11, flat 1, seed 0 (ten conformers and the drawing).
 * Coordinates that are given are one conformer, whatever count says, and are never reordered. A
 * molecule some of whose conformers fail is OK on the others. */

typedef struct molrt_row {
  uint32_t struct_size;
  int32_t status;     /* MOLRT_ROW_* */
  int32_t source;     /* MOLRT_SOURCE_* */
  uint32_t flags;     /* MOLRT_FLAG_* */
  int32_t conformer_atoms; /* atoms of the conformer, hydrogens included; 0 without one */
  int32_t model_atoms;     /* atoms that the last model used on the batch reads; 0 before */
  int32_t conformers;      /* that the molecule has; after a run those that the row is the mean of */
} molrt_row;
/* Of several conformers, source is the worst (2D, ETKDG, ETKDG_MMFF; a drawing that was asked for does
 * not count beside others), and flags are theirs or-ed together. */

MOLRT_API int32_t molrt_conformer_options_init(molrt_conformer_options *options, size_t struct_size);
MOLRT_API int32_t molrt_row_init(molrt_row *row, size_t struct_size);

MOLRT_API int32_t molrt_batch_create(molrt_context *context, const molrt_conformer_options *options,
                                     molrt_batch **batch);
MOLRT_API void molrt_batch_free(molrt_batch *batch);
/* Appends a row. Parsing happens later: a bad SMILES is the row's status, not this call's failure.
 * NULL is an empty SMILES. */
MOLRT_API int32_t molrt_batch_add_smiles(molrt_batch *batch, const char *smiles);
/* Appends a row from one MOL block, V2000 or V3000, up to "M  END": what follows, such as an SDF
 * record's properties, does not count. Parsing happens later: a bad block is the row's status. NULL is
 * an empty block. Its atoms are counted in its order.
 *  - A structure, some atom of which has z other than 0 or whose header says "3D", gives its own
 *    coordinates (source GIVEN), rounded to float32. Its hydrogens are kept; those that its valences
 *    lack are added (flag HYDROGENS_ADDED, unless the model reads none).
 *  - A drawing (z = 0 and unmarked, or marked "3D" but with wedges), or a block without coordinates,
 *    gets a conformer as its SMILES would; wedges are honoured.
 *  - R groups and "*" are unknown elements; query atoms and bonds are INVALID_MOL_BLOCK. */
MOLRT_API int32_t molrt_batch_add_mol_block(molrt_batch *batch, const char *block);
/* Appends a row of given atoms: `symbols` [atoms], `coordinates` [atoms, 3] in Angstrom. No
 * hydrogens are added; a model without hydrogens leaves given ones out (flag HYDROGENS_REMOVED).
 * Coordinates are rounded to float32. "D" and "T" are
 * hydrogen; a symbol that is no element ("*") is an unknown element. */
MOLRT_API int32_t molrt_batch_add_atoms(molrt_batch *batch, const char *const *symbols,
                                        const double *coordinates, size_t atoms);
/* Numbers that come with the molecules, such as a temperature: names [columns], all different, and
 * values [rows, columns], NaN where there is none; in place of those set before. They are rounded to
 * float32. A head that is trained on the batch reads all of them beside the representation, in this
 * order; molrt_predict takes those that its model reads by their names, and the others do not matter.
 * `rows` must be the batch's; rows added later need the columns set anew. 0 columns: none. */
MOLRT_API int32_t molrt_batch_set_columns(molrt_batch *batch, const char *const *names,
                                          const double *values, size_t rows, size_t columns);
MOLRT_API size_t molrt_batch_size(const molrt_batch *batch); /* rows; 0 for NULL */
MOLRT_API int32_t molrt_batch_clear(molrt_batch *batch);     /* removes all rows and columns, keeps the options */
MOLRT_API int32_t molrt_batch_get_row(const molrt_batch *batch, size_t row, molrt_row *out);
/* What went wrong with a row, or "" (also for a row that does not exist). */
MOLRT_API const char *molrt_batch_row_message(const molrt_batch *batch, size_t row);
/* One of the row's conformers, numbered from 0 through those that succeeded: atomic numbers [atoms] (0:
 * unknown), coordinates [atoms, 3] (Angstrom), and input_index [atoms], each atom's index in the SMILES,
 * MOL block or given atoms, -1 for added hydrogens. Any of the three may be NULL; `capacity` is in atoms
 * and must be at least the row's conformer_atoms. Conformer 0 of a row that has none has no atoms. */
MOLRT_API int32_t molrt_batch_get_conformer(const molrt_batch *batch, size_t row, size_t conformer,
                                            int32_t *atomic_numbers, float *coordinates,
                                            int32_t *input_index, size_t capacity);
/* The same conformer as an SDF record (V2000, V3000 where it must), with the bonds of the SMILES or MOL
 * block; title may be NULL. STATE if the row has no conformer. Of a row that was made canonical the
 * atoms are in the canonical SMILES' order, as they are above. */
MOLRT_API int32_t molrt_batch_get_sdf(const molrt_batch *batch, size_t row, size_t conformer,
                                      const char *title, char *buffer, size_t capacity,
                                      size_t *needed);
/* The canonical SMILES of the row's molecule, hydrogens implicit; nothing need have been computed. STATE
 * if the row cannot be read, or was given as atoms, which have no bonds. */
MOLRT_API int32_t molrt_batch_get_smiles(const molrt_batch *batch, size_t row, char *buffer,
                                         size_t capacity, size_t *needed);

/* ---- running ------------------------------------------------------------------------------------- */
#define MOLRT_STAGE_CONFORMERS 1
#define MOLRT_STAGE_NETWORK 2
#define MOLRT_STAGE_TRAINING 3
#define MOLRT_STAGE_PROBE 4
#define MOLRT_STAGE_PRETRAINING 5
#define MOLRT_STAGE_READING 6
#define MOLRT_STAGE_DESCRIPTORS 7 /* of molecules, for a head that reads them */

typedef struct molrt_progress {
  uint32_t struct_size;
  int32_t stage;     /* MOLRT_STAGE_* */
  uint64_t done;     /* conformers (also in the network), epochs of all folds (training), conformers
                        times layers of the network (probe), molecules (reading an archive, descriptors)
                        or points of the curves (pretraining, which fills train_loss, valid_loss, step,
                        steps, learning_rate, train_rows, held_out_rows and part as training does;
                        both losses are weighted sums) */
  uint64_t total;    /* with early stopping, `done` may end before it */
  int32_t fold;      /* training only: the network, 0, 1, ... */
  int32_t folds;     /* folds x seeds, and those of refit */
  int32_t epoch;     /* training only: 1, 2, ...; told of within it, too: then `done` stays, and
                        train_loss is that of a batch */
  int32_t epochs;
  double train_loss; /* training only: in scaled units; NaN where unknown */
  double valid_loss; /* training only: likewise, on the held-out part */
  uint64_t step;     /* training only: optimiser steps done, of all networks */
  uint64_t steps;    /* training only: planned; 0 where unknown */
  double valid_metric;     /* training only: what early stopping goes by, on the held-out part */
  const char *metric_name; /* training only: its name, "rmse" ...; NULL elsewhere */
  double learning_rate;    /* training only: of the last epoch's last step */
  uint64_t train_rows;     /* training only: molecules that this fold trains on */
  uint64_t held_out_rows;  /* training only: and that it holds out */
  double part;             /* training only: of the whole run's work, 0 to 1; leaps where early
                              stopping ends a network */
  int32_t mc_pass;         /* training only: of the passes with dropout over the held-out rows that
                              follow a network's last epoch (settings mc.T, mc.calibrate); else 0 */
  int32_t mc_passes;       /* training only: 0 where there are none */
} molrt_progress;
typedef int32_t (*molrt_progress_callback)(void *user, const molrt_progress *progress);

/* Operands of the products of linear layers; sums, norms, softmax and heads are float32 in any case.
 * A row's bytes depend on the precision and the CPU, never on threads or batches.
 *   F32    float32
 *   SPLIT  each operand as the sum of two bfloat16, without the product of both low parts: nearly as
 *          exact as float32, and faster where the CPU has AMX (elsewhere it is slower)
 *   BF16   operands rounded to bfloat16: fastest, least exact
 * UNSUPPORTED for SPLIT and BF16 on a CPU without AVX-512. */
#define MOLRT_PRECISION_F32 1
#define MOLRT_PRECISION_SPLIT 2
#define MOLRT_PRECISION_BF16 3

typedef struct molrt_run_options {
  uint32_t struct_size;
  int32_t max_atoms;  /* 0 (default): the model's limit; else the limit for this call */
  int32_t crop;       /* 1: a molecule over the limit loses its last atoms (flag CROPPED) instead of
                         being TOO_LARGE; 0 (default) */
  int32_t batch_size; /* most molecules that share one pass through the network; 0 (default): as many
                         as are quickest. Results do not depend on it */
  molrt_progress_callback progress;
  void *progress_user;
  int32_t precision; /* MOLRT_PRECISION_* of the encoder's linear layers; F32 (default). Of a job the
                        setting `precision`, and this is left at its default */
} molrt_run_options;

MOLRT_API int32_t molrt_run_options_init(molrt_run_options *options, size_t struct_size);

/* Computes the conformers that the batch still lacks (kept in the batch, whatever model is next). Of
 * the options only the progress callback may be set. */
MOLRT_API int32_t molrt_batch_compute_conformers(molrt_context *context, molrt_batch *batch,
                                                 const molrt_run_options *options);
/* Conformers, and each row's status, flags and model_atoms for `model`; the network is not run. */
MOLRT_API int32_t molrt_batch_prepare(molrt_context *context, const molrt_model *model,
                                      molrt_batch *batch, const molrt_run_options *options);
/* Predicts: mean [rows, outputs] and std [rows, outputs], the mean of the model's folds and their
 * sample standard deviation (n-1; NaN with one fold), in the targets' own units or, of classes, as
 * probabilities (MOLRT_TASK_*). std may be NULL.
 * `count` is each array's length in floats and must be rows * outputs. INVALID_ARGUMENT if the model
 * reads a column that the batch lacks, STATE if the batch has grown since its columns were set; a
 * missing number counts as the training rows' mean (flag INPUT_MISSING). */
MOLRT_API int32_t molrt_predict(molrt_context *context, const molrt_model *model, molrt_batch *batch,
                                const molrt_run_options *options, float *mean, float *std,
                                size_t count);
typedef struct molrt_uncertain_options {
  uint32_t struct_size;
  int32_t mode;    /* MOLRT_MODE_*; AUTO (default) */
  int32_t samples; /* passes of an MC prediction, 2 to 10000; 0 (default): as the model says */
  double level;    /* of the interval, above 0 and below 1; default .9 */
} molrt_uncertain_options;

/* Arrays of rows * outputs floats that you allocate; NULL where you do not want one. NaN where a row
 * failed, and where it says so below. All but entropies in the target's own unit, or probabilities. */
typedef struct molrt_uncertain_result {
  uint32_t struct_size;
  int32_t mode;         /* filled: DETERMINISTIC or MC */
  float *value;         /* the prediction: without dropout, or the mean over passes and folds */
  float *std;           /* the folds' sample standard deviation without dropout; NaN with one fold */
  float *error;         /* error bar: one calibrated standard deviation; NaN without calibration, and
                           for classes */
  float *low, *high;    /* interval that holds a part `level` of new values, if they are like the
                           held-out ones; NaN likewise, and where those are too few for the level */
  float *spread;        /* raw: root of the mean variance over passes plus the variance between folds;
                           NaN with one fold and without passes */
  float *gap;           /* MC: value - deterministic; NaN without passes */
  float *deterministic; /* what molrt_predict gives */
  float *entropy;       /* of the mean probabilities, in nats; of several classes the molecule's, the
                           same in each output; NaN for a regression */
  float *mutual_information; /* entropy less the mean entropy of folds and passes: what they disagree
                                about; likewise */
} molrt_uncertain_result;

MOLRT_API int32_t molrt_uncertain_options_init(molrt_uncertain_options *options, size_t struct_size);
MOLRT_API int32_t molrt_uncertain_result_init(molrt_uncertain_result *result, size_t struct_size);

/* Predicts with what is known of the errors. options and how may be NULL. An MC prediction costs as
 * many passes through the network as it has samples, where the encoder was trained with dropout; the
 * same model, molecule and options give the same bytes. INVALID_ARGUMENT for MC passes of a model
 * without dropout, whose standard deviation would be 0. `count` is each array's length: rows *
 * outputs. */
MOLRT_API int32_t molrt_predict_uncertain(molrt_context *context, const molrt_model *model,
                                          molrt_batch *batch, const molrt_run_options *options,
                                          const molrt_uncertain_options *how,
                                          molrt_uncertain_result *result, size_t count);
/* Representations: cls [rows, width] with cls_count = rows * width, and atoms [sum of model_atoms,
 * width], row after row, with atoms_count its length in floats. Either may be NULL. For the size of
 * `atoms` call molrt_batch_prepare first and add up model_atoms; a row that failed there has none,
 * and one that fails in the network has rows of NaN.
 * UNSUPPORTED for a model of several encoders: open one of its folds. */
MOLRT_API int32_t molrt_embed(molrt_context *context, const molrt_model *model, molrt_batch *batch,
                              const molrt_run_options *options, float *cls, size_t cls_count,
                              float *atoms, size_t atoms_count);
/* The atom index map of a row after prepare, predict or embed: for each of its model_atoms the index in
 * the SMILES, MOL block or given atoms, -1 for added hydrogens. `capacity` in atoms. */
MOLRT_API int32_t molrt_batch_get_model_atoms(const molrt_batch *batch, size_t row,
                                              int32_t *input_index, size_t capacity);

/* ---- settings: how to train ------------------------------------------------------------------------ */
typedef struct molrt_settings molrt_settings;

#define MOLRT_SETTING_F64 1
#define MOLRT_SETTING_I64 2
#define MOLRT_SETTING_TEXT 3

/* One row of the library's table of settings. Texts are constants, "" where there is nothing to say. */
typedef struct molrt_setting_info {
  uint32_t struct_size;
  int32_t type; /* MOLRT_SETTING_* */
  const char *name;
  const char *unit;
  const char *default_text;
  const char *recommended_text; /* used when a method is switched on without a value */
  const char *choices;          /* of a text, separated by '|' */
  const char *since;            /* version */
  const char *help;
  double minimum, maximum;      /* of a number, inclusive; -HUGE_VAL, HUGE_VAL if unbounded */
} molrt_setting_info;

MOLRT_API int32_t molrt_setting_info_init(molrt_setting_info *info, size_t struct_size);
MOLRT_API size_t molrt_settings_count(void);
MOLRT_API int32_t molrt_settings_describe(size_t index, molrt_setting_info *info);

MOLRT_API int32_t molrt_settings_create(molrt_settings **settings);
MOLRT_API void molrt_settings_free(molrt_settings *settings);
/* An unknown name, a wrong type or a value out of range is INVALID_ARGUMENT; the message offers the
 * nearest name. _i64 also sets an f64 setting. */
MOLRT_API int32_t molrt_settings_set_f64(molrt_settings *settings, const char *name, double value);
MOLRT_API int32_t molrt_settings_set_i64(molrt_settings *settings, const char *name, int64_t value);
MOLRT_API int32_t molrt_settings_set_text(molrt_settings *settings, const char *name, const char *value);
MOLRT_API int32_t molrt_settings_get_f64(const molrt_settings *settings, const char *name, double *value);
MOLRT_API int32_t molrt_settings_get_i64(const molrt_settings *settings, const char *name,
                                         int64_t *value);
MOLRT_API int32_t molrt_settings_get_text(const molrt_settings *settings, const char *name,
                                          char *buffer, size_t capacity, size_t *needed);

/* A row's part in a split; 0, 1, ...: the fold that holds it out, while the others train on it. */
#define MOLRT_PART_TRAIN (-1) /* all folds train on it */
#define MOLRT_PART_TEST (-2)  /* never trained on, nor stopped by */
#define MOLRT_PART_NONE (-3)  /* not in the run */

/* ---- job: one training run ---------------------------------------------------------------------------- */
typedef struct molrt_job molrt_job;

/* A run that will train on the molecules of `batch` (copied) and `targets` [rows, target_count], NaN
 * where there is no value. Setting "task" says what they are: measured values; 0 and 1 (binary: one
 * target; multilabel); or, of one target, class numbers 0, 1, 2 ... (multiclass: one output a class,
 * named TARGET_0, TARGET_1 ...; all other tasks have one output a target). target_names [target_count]
 * name the targets; NULL: "target", or "target_1" .... settings NULL: all defaults (copied). The base
 * model is never changed.
 * Of several conformers a molecule each epoch sees a random one; held-out losses and predictions are
 * those of the mean, as molrt_predict's (solver=ridge: fitted to their mean representation). The
 * batch's columns stand beside the representation in the head's input, and so do the setting inputs'.
 * UNSUPPORTED: a batch that makes more than 64 conformers a molecule, or a base of several encoders
 * (open one of its folds). */
MOLRT_API int32_t molrt_job_create(molrt_context *context, const molrt_model *base,
                                   const molrt_batch *batch, const double *targets, size_t target_count,
                                   const char *const *target_names, const molrt_settings *settings,
                                   molrt_job **job);
MOLRT_API void molrt_job_free(molrt_job *job);
/* Columns beside the targets, each copied and with one value for each row of the batch (`count`), set
 * before the run (STATE afterwards). INVALID_ARGUMENT, naming the row, for values that cannot be used.
 * The rows of one molecule always stay on one side of a split, whatever these say.
 * Weights of the rows in the loss: finite, 0 or more, not all 0. */
MOLRT_API int32_t molrt_job_set_weights(molrt_job *job, const double *weights, size_t count);
/* UTF-8 names of groups that stay whole: for split=group, which is then the default. */
MOLRT_API int32_t molrt_job_set_groups(molrt_job *job, const char *const *groups, size_t count);
/* MOLRT_PART_* or the number of a fold from 0, without gaps: for split=column, which is then the
 * default, as is its number of folds. A row whose molecule is also on another side is left out where
 * it would be trained on (held out, if the other is in the test), with a warning in the report. */
MOLRT_API int32_t molrt_job_set_parts(molrt_job *job, const int32_t *parts, size_t count);
/* The part that a word of a table means: "train" or "training", "valid", "validation", "val" or "dev"
 * (fold 0), "test", or the number of a fold. INVALID_ARGUMENT for any other. */
MOLRT_API int32_t molrt_part_of_word(const char *word, int32_t *part);
/* Molecules without values (copied), set before the run, for R-Drop: in each step as many of them as of
 * the others go twice through the network, and what the passes give is drawn together (settings
 * rdrop.u_mode, then joint by default, rdrop.u_weight and rdrop.u_lr). The batch has the same columns as
 * the job's. INVALID_ARGUMENT without rdrop.on or with rdrop.alpha 0. */
MOLRT_API int32_t molrt_job_set_unlabelled(molrt_job *job, const molrt_batch *batch);
/* The unit of target `index` ("kcal/mol"), which the model stores; "" (default): not known. STATE after
 * molrt_job_run. */
MOLRT_API int32_t molrt_job_set_unit(molrt_job *job, int32_t index, const char *unit);
/* Before the run: keeps in `directory`, which is made where need be, what a killed run needs to be gone
 * on with; that takes a twentieth of the time at most. With resume 1 the run goes on with what is there
 * and ends in the same bytes as one that was never stopped; INVALID_ARGUMENT, from molrt_job_run, if
 * that is of other molecules, values, settings or another base model. With resume 0 what is there is
 * replaced. One process at a time uses a directory (IO). */
MOLRT_API int32_t molrt_job_set_checkpoint(molrt_job *job, const char *directory, int32_t resume);
/* Deletes what is in the directory: for when the model is saved. */
MOLRT_API int32_t molrt_job_remove_checkpoint(molrt_job *job);
/* Every setting that takes effect beside the others and the columns, as it runs or will run: one JSON
 * object by name. */
MOLRT_API int32_t molrt_job_get_settings(const molrt_job *job, char *buffer, size_t capacity,
                                         size_t *needed);
/* What the regularisation of the run weighs and costs, by counting: one JSON object of
 *   encoder_kappa, head_kappa  weight of the outputs' variance in the expected squared error, of the
 *                              noise in the encoder and in the head: 0 none, 1 plain dropout, 1 + alpha
 *                              R-Drop, 1 / n Multi-Sample Dropout of outputs; null for other losses
 *   cost                       of a step, in plain steps
 *   extra_epochs               plain ones beside those that train
 * or nothing ("") for solver=ridge. The report has it too (key counted). */
MOLRT_API int32_t molrt_job_get_counted(const molrt_job *job, char *buffer, size_t capacity,
                                        size_t *needed);
/* Trains. Once only. Options as for prediction (batch_size: of the encoder's pass). CANCELLED where it
 * was stopped: the functions below then tell of the best model so far if a network had finished an
 * epoch, else STATE. */
MOLRT_API int32_t molrt_job_run(molrt_job *job, const molrt_run_options *options);
/* Asks a running job to stop as soon as it can; molrt_job_run returns CANCELLED. From any thread. */
MOLRT_API int32_t molrt_job_cancel(molrt_job *job);
/* The trained model; the caller frees it. STATE before a run. */
MOLRT_API int32_t molrt_job_get_model(const molrt_job *job, molrt_model **model);
/* What happened, as one JSON object: rows used and left out, each fold's sizes, epochs and metrics,
 * metrics of the held-out parts beside predicting the mean, warnings. */
MOLRT_API int32_t molrt_job_get_report(const molrt_job *job, char *buffer, size_t capacity,
                                       size_t *needed);
/* The same for people, as one self-contained HTML page in UTF-8: what was trained, metrics in words,
 * learning curves, measured against predicted values, the worst molecules drawn, rows left out,
 * settings and provenance. Its size is bounded: of many rows only some are drawn, and it says so. */
MOLRT_API int32_t molrt_job_get_html(const molrt_job *job, char *buffer, size_t capacity,
                                     size_t *needed);
/* The page's heading, such as the data's name; NULL (default): made of the targets' names. */
MOLRT_API int32_t molrt_job_set_title(molrt_job *job, const char *title);
/* Predictions for rows while they were held out, and for those of the test by the trained model; [rows,
 * the trained model's outputs]: values in the targets' units, or probabilities; NaN for the others. */
MOLRT_API int32_t molrt_job_get_held_out(const molrt_job *job, float *predictions, size_t count);
/* The split that was used, [rows]: what molrt_job_set_parts takes to have it again. MOLRT_PART_NONE
 * for rows that were left out. */
MOLRT_API int32_t molrt_job_get_parts(const molrt_job *job, int32_t *parts, size_t count);
/* Error bars (standard deviations) of these predictions and the ends of their 90 % intervals, each
 * [rows, target_count], by a calibration on the other half of the held-out rows; NaN where there is
 * none. Any may be NULL. */
MOLRT_API int32_t molrt_job_get_held_out_errors(const molrt_job *job, float *error, float *low,
                                                float *high, size_t count);
/* The row's status, as molrt_batch_get_row would tell after the encoder's pass. */
MOLRT_API int32_t molrt_job_get_row(const molrt_job *job, size_t row, molrt_row *out);
/* What went wrong with the row, or "" (also for a row that does not exist). */
MOLRT_API const char *molrt_job_row_message(const molrt_job *job, size_t row);

/* ---- pre-training: encoders from molecules without measured values ------------------------------------- */
typedef struct molrt_pretraining molrt_pretraining;

/* Its table of settings, as molrt_settings_count and molrt_settings_describe have it of jobs', and
 * settings of it, for molrt_settings_set_* and molrt_settings_get_*; a job takes none of these. */
MOLRT_API size_t molrt_pretraining_settings_count(void);
MOLRT_API int32_t molrt_pretraining_settings_describe(size_t index, molrt_setting_info *info);
MOLRT_API int32_t molrt_pretraining_settings_create(molrt_settings **settings);

/* A run that goes on from `start`'s encoder (molrt_model_create_untrained makes a new one) and from
 * what it has of pre-training. Losses: masked atoms' elements, their coordinates and distances, norms,
 * and, with target_count > 0, a head on the representation that predicts the targets of the molecules
 * whose values are known (target_names [target_count]). settings NULL: all defaults (copied).
 * UNSUPPORTED: a start of several encoders. */
MOLRT_API int32_t molrt_pretraining_create(molrt_context *context, const molrt_model *start,
                                           const molrt_settings *settings,
                                           const char *const *target_names, size_t target_count,
                                           molrt_pretraining **pretraining);
MOLRT_API void molrt_pretraining_free(molrt_pretraining *pretraining);

/* The molecule of this SMILES, in all its stereoisomers, stays out of what is added from now on. STATE
 * if it cannot be read, or after molecules were added. */
MOLRT_API int32_t molrt_pretraining_exclude(molrt_pretraining *pretraining, const char *smiles);

/* What became of molecules that were added. */
typedef struct molrt_added {
  uint32_t struct_size;
  int32_t reserved;
  uint64_t used, excluded;
  uint64_t unusable; /* no coordinates, too many atoms ...; molrt_pretraining_get_report says why the
                        first one is */
} molrt_added;
MOLRT_API int32_t molrt_added_init(molrt_added *added, size_t struct_size);

/* Adds molecules, before the run: all or, after an error, none. They are kept in a temporary file
 * ($TMPDIR), whatever their number. `added` may be NULL. DATA for a value of a target that is infinite.
 * _archive: NumPy's .npz with natoms [molecules], Z [atoms], xyz [atoms, 3] in Angstrom (or xyz_milli,
 *   in .001 Angstrom), and, where there are, smiles [molecules] and an array [molecules] under each
 *   target's name. FORMAT errors name the array; INVALID_ARGUMENT without smiles, if molecules are
 *   excluded. Of the options only the progress callback may be set; NULL: none.
 * _batch: the rows of a batch with conformers (molrt_batch_compute_conformers), all of them, of which
 *   every step sees a random one; labels [rows, target_count], NaN where not known, of `count`
 *   numbers; NULL: none. Rows without a conformer are unusable. */
MOLRT_API int32_t molrt_pretraining_add_archive(molrt_pretraining *pretraining, const char *path,
                                                const molrt_run_options *options,
                                                molrt_added *added);
MOLRT_API int32_t molrt_pretraining_add_batch(molrt_pretraining *pretraining, const molrt_batch *batch,
                                              const float *labels, size_t count, molrt_added *added);

/* As those of a job. A run that goes on must be given the same molecules, in the same order. */
MOLRT_API int32_t molrt_pretraining_set_checkpoint(molrt_pretraining *pretraining,
                                                   const char *directory, int32_t resume);
MOLRT_API int32_t molrt_pretraining_remove_checkpoint(molrt_pretraining *pretraining);
/* Of the options only the progress callback may be set. DATA if there are too few molecules, a target
 * has no values, or the losses diverge; CANCELLED when stopped: the model is the one so far. */
MOLRT_API int32_t molrt_pretraining_run(molrt_pretraining *pretraining,
                                        const molrt_run_options *options);
MOLRT_API int32_t molrt_pretraining_cancel(molrt_pretraining *pretraining); /* from any thread */

/* After the run. The model has no property head; beside its encoder it keeps the heads of pre-training,
 * with which molrt_pretraining_create goes on. */
MOLRT_API int32_t molrt_pretraining_get_model(const molrt_pretraining *pretraining, molrt_model **model);
/* JSON: pretraining, an object of steps, settings, molecules (training, held_out), sources with their
 * hashes, targets with their scaling, and the last point of the curves: the model's provenance; start,
 * that of a start that had some; and the curves, history [points] of step, lr, seconds, train and
 * held_out, each with the means of loss (their weighted sum), token, coordinate, distance, norm,
 * pair_norm, supervised, token_accuracy, coordinate_mae and distance_mae (Angstrom). */
MOLRT_API int32_t molrt_pretraining_get_report(const molrt_pretraining *pretraining, char *buffer,
                                               size_t capacity, size_t *needed);
/* The same as a page with pictures, whole in itself. */
MOLRT_API int32_t molrt_pretraining_get_html(const molrt_pretraining *pretraining, char *buffer,
                                             size_t capacity, size_t *needed);

/* ---- probe: which of its attention a model lives by ------------------------------------------------- */
typedef struct molrt_probe molrt_probe;

/* What the keys of the attention A are ranked by: dt/dA in a pass without dropout, where t is */
#define MOLRT_ATTRIBUTION_GOLD 1u /* minus the squared errors over the measured values, in scaled units;
                                     of classes, minus the cross-entropy */
#define MOLRT_ATTRIBUTION_ABS 2u  /* the sum of the outputs, and the gradient's magnitude counts; of
                                     classes, the predicted class's logit, and its sign counts */

typedef struct molrt_probe_options {
  uint32_t struct_size;
  uint32_t attributions; /* MOLRT_ATTRIBUTION_*, or-ed; 0 (default): both */
  const int32_t *layers; /* [layer_count], from 0; NULL (default): all of a network with up to 8, else
                            the first, the middle and the last */
  size_t layer_count;
  const double *rates;   /* [rate_count], above 0 and below 1; NULL (default): .1, .2 ... .9 */
  size_t rate_count;
  uint64_t seed;         /* of the random order; 0 (default) */
  const char *title;     /* heading of the page; NULL (default): made of the targets' names */
} molrt_probe_options;

MOLRT_API int32_t molrt_probe_options_init(molrt_probe_options *options, size_t struct_size);

/* What molrt_probe_run will cost: passes of each conformer through a whole network (a way back counts
 * as one, a pass through its upper half as a half). STATE for a model without a head. */
MOLRT_API int32_t molrt_probe_get_passes(const molrt_model *model, const molrt_probe_options *how,
                                         double *passes);
/* How good the model's predictions of the batch's molecules are when, in one layer at a time, each query
 * of the attention does without a part of its keys (the rate; at least one key, never all): those of the
 * lowest or of the highest attribution, or others chosen at random. `targets` [rows, target_count] as
 * for molrt_job_create, NaN where there is no value: one for each output of the model, in their order;
 * of a multiclass model one, class numbers. Predictions are molrt_predict's: means over conformers and
 * networks, of which each goes by its own attribution. The rows' states are then as after molrt_predict;
 * rows that fail, or have no value, do not count. The same rows and options give the same bytes.
 * Progress: the stages of molrt_predict, then PROBE. options and how may be NULL. The caller frees
 * *probe, which is NULL after a failure. STATE for a model without a head, INVALID_ARGUMENT for another
 * number of targets, a layer that the model lacks, a rate out of range and what is there twice, DATA,
 * naming row and target, for a value that the model's task does not take, and where no row has both a
 * value and a prediction. */
MOLRT_API int32_t molrt_probe_run(molrt_context *context, const molrt_model *model, molrt_batch *batch,
                                  const double *targets, size_t target_count,
                                  const molrt_run_options *options, const molrt_probe_options *how,
                                  molrt_probe **probe);
MOLRT_API void molrt_probe_free(molrt_probe *probe);
/* One JSON object; numbers that are not defined are null:
 *   rows      total = used + without_target + failed
 *   task, networks, passes (molrt_probe_get_passes), seed
 *   metrics   names of two: rmse (in the target's unit) and r2; of classes auroc and accuracy
 *   attributions, layers, rates  arrays, the latter ascending
 *   targets   an array by target: name, unit, n (values), plain (each metric without dropping), and
 *             layers, an array: layer, and the objects random, gold and abs, the latter two with low
 *             and high (which keys went first); each metric as an array by rate */
MOLRT_API int32_t molrt_probe_get_report(const molrt_probe *probe, char *buffer, size_t capacity,
                                         size_t *needed);
/* The same for people, with pictures: one self-contained HTML page in UTF-8. */
MOLRT_API int32_t molrt_probe_get_html(const molrt_probe *probe, char *buffer, size_t capacity,
                                       size_t *needed);

#ifdef __cplusplus
}
#endif
#endif /* MOLRT_H */
