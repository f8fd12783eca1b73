// The Self-Instruct workshop 自指令工作坊
//
// Self-Instruct (Wang et al., 2022, https://arxiv.org/abs/2212.10560): from a few tasks written by hand, a language
// model writes the rest of the data that it, or another model, is then fine-tuned on. Four steps, four files in
// data/workshop; open them in between, change a row, run a step again. Every model call is kept in calls.jsonl and is
// never made twice.
//
// run    npx tsx workshop.ts          (no key needed: 20 instructions in about 2 seconds and 41 calls; --help shows the rest)
import { classifyInstructions } from './steps/classify.ts'
import { filterInstances } from './steps/filter.ts'
import { generateInstructions } from './steps/generate.ts'
import { generateInstances } from './steps/instances.ts'
import { rounds } from './steps/run/notebook.ts'

// One round is all four steps. When too few rows are left at its end, another round asks for more.
for await (const round of rounds(process.argv.slice(2))) {
  // ── 1 · Generate 生成指令 ────────────────────────────────────────────────────────────────────────────────────────
  // The model sees eight tasks and writes ten new ones. Those unlike everything in the pool are accepted and shown
  // to it later. Look at: most_similar in 1-instructions.jsonl, and what near_duplicate removed in rejected.jsonl.
  await generateInstructions(round)

  // ── 2 · Classify 判断分类任务 ─────────────────────────────────────────────────────────────────────────────────────
  // Is it a classification task? Step 3 treats these differently. Look at: is_classification in 2-classified.jsonl.
  // Is there one you would have decided otherwise?
  await classifyInstructions(round)

  // ── 3 · Instances 生成实例 ────────────────────────────────────────────────────────────────────────────────────────
  // The model does its own tasks: input, then output; for classification tasks the label first, so that all labels
  // come up. Look at: instances in 3-instances.jsonl. Which answers are wrong?
  await generateInstances(round)

  // ── 4 · Filter 过滤去重 ───────────────────────────────────────────────────────────────────────────────────────────
  // Named rules and ROUGE-L remove what is bad or was seen before. Look at: 4-dataset.jsonl, ready for fine-tuning,
  // and rejected.jsonl, where every lost row says why.
  await filterInstances(round)
}
