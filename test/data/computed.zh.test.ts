// Answers of the Chinese tasks that can be computed are computed: sums, dates, orders, units, counts, limits of length.
// Where the fault of a task is a wrong sum, what stands there must miss the computed answer exactly once.

import { describe, expect, it } from 'vitest'
import { readOfflineTasks, readSeedTasks } from './tasks.ts'

type Compute = (input: string) => string

const tasks = new Map(
  [...readOfflineTasks('zh'), ...readSeedTasks('zh')].map((task) => [task.instruction, task.instances]),
)

function instancesOf(instruction: string) {
  const instances = tasks.get(instruction)
  if (!instances) throw new Error(`no such task: ${instruction}`)
  return instances
}

const numbers = (text: string) => (text.match(/\d+(?:\.\d+)?/g) ?? []).map(Number)
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
const mean = (values: readonly number[]) => total(values) / values.length
const plainly = (value: number) => String(Number(value.toFixed(6)))
const listed = (text: string) => text.split(/[、，]/)
const count = (text: string, pattern: RegExp) => (text.match(pattern) ?? []).length
const han = (text: string) => count(text, /\p{Script=Han}/gu)
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
const upTo = (length: number) => [...Array(length).keys()]

const DAY = 24 * 60 * 60 * 1000
const datesIn = (text: string) =>
  [...text.matchAll(/(\d{4})年(\d+)月(\d+)日/g)].map(([, year, month, day]) =>
    Date.UTC(Number(year), Number(month) - 1, Number(day)),
  )
const daysBetween = (text: string) => {
  const [from = 0, to = 0] = datesIn(text)
  return (to - from) / DAY
}
/** "6月28日" for the nth day counted from a day of 2025, which is day 1. */
const nthDay = (month: number, day: number, nth: number) => {
  const date = new Date(Date.UTC(2025, month - 1, day + nth - 1))
  return `${date.getUTCMonth() + 1}月${date.getUTCDate()}日`
}
const clock = (minutes: number) =>
  [Math.floor(minutes / 60) % 24, minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')

const digit = (sign: string) => '〇一二三四五六七八九'.indexOf(sign === '两' ? '二' : sign)

/** Chinese numerals up to ninety-nine, and digit by digit for years. */
function valueOf(numeral: string): number {
  if (!numeral.includes('十')) return Number([...numeral].map(digit).join(''))
  const [tens, ones] = numeral.split('十')
  return 10 * (tens ? digit(tens) : 1) + (ones ? digit(ones) : 0)
}

/** Whole tens and ones: "96" is 九十六. */
const inWords = (digits: string) =>
  [...digits].map((digit) => '〇一二三四五六七八九'[Number(digit)]).join('十')

function roman(text: string): number {
  const values = new Map(Object.entries({ I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 }))
  const digits = [...text].map((letter) => values.get(letter) ?? NaN)
  return total(digits.map((digit, at) => (digit < (digits[at + 1] ?? 0) ? -digit : digit)))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = [Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2)]
  return mean(middle.map((at) => sorted[at] ?? NaN))
}

const capital = (value: number) => '零壹贰叁肆伍陆柒捌玖'[value] ?? ''

/** The whole part below a hundred thousand as it is written on cheques; inner zeros are said once. */
function inCapitals(value: number): string {
  const places = ['', '拾', '佰', '仟', '万']
  const whole = [...String(Math.floor(value))]
    .map((sign, at, all) => (sign === '0' ? '零' : capital(Number(sign)) + places[all.length - 1 - at]))
    .join('')
    .replace(/零+/g, '零')
    .replace(/零$/, '')
  const [jiao, fen] = [Math.round(value * 100) / 10, Math.round(value * 100)].map(
    (part) => Math.floor(part) % 10,
  )
  if (!jiao && !fen) return `${whole}元整`
  return `${whole}元${jiao ? `${capital(jiao)}角` : '零'}${fen ? `${capital(fen)}分` : '整'}`
}

function isoDate(text: string): string {
  const [, day, month, year] = /^(\d+)\/(\d+)\/(\d+)/.exec(text) ?? []
  const parts = year ? [year, month, day] : text.split(/[年月日]/).slice(0, 3)
  const asNumbers = parts.map((part = '') => (/^\d/.test(part) ? Number(part) : valueOf(part)))
  return asNumbers.map((part) => String(part).padStart(2, '0')).join('-')
}

/** "下午两点一刻", "晚上十一点差五分". */
function timeOf(text: string): string {
  const [, part, hour = '', rest = ''] =
    /^(早上|下午|晚上)([一二三四五六七八九十两]+)点(.*)$/.exec(text) ?? []
  const quarter = /([一三])刻/.exec(rest)?.[1]
  const lacking = /差(.+)分/.exec(rest)?.[1]
  const minutes = quarter ? 15 * valueOf(quarter) : lacking ? -valueOf(lacking) : 0
  return clock(60 * (valueOf(hour) + (part === '早上' ? 0 : 12)) + minutes)
}

function localTime(text: string): string {
  const [hour = 0, minute = 0] = numbers(text)
  const [, side, zone = ''] = /([东西])(.)区/.exec(text) ?? []
  const offset = side ? (side === '东' ? 1 : -1) * valueOf(zone) : 0
  const there = 60 * (hour + offset - 8) + minute
  const name = side === '东' ? '上午' : there < 0 ? '前一天' : ''
  return `${name}${clock(there + 24 * 60)}`
}

function atoms(side: string): Record<string, number> {
  const sum = new Map<string, number>()
  for (const [, factor, molecule = ''] of side.matchAll(/(?<![A-Za-z])(\d*)([A-Z]\w*)/g)) {
    for (const [, element = '', times] of molecule.matchAll(/([A-Z][a-z]?)(\d*)/g)) {
      sum.set(element, (sum.get(element) ?? 0) + Number(factor || 1) * Number(times || 1))
    }
  }
  return Object.fromEntries([...sum].toSorted())
}

const tariff = (used: number, included: number, price: number, beyond: number) =>
  Math.min(used, included) * price + Math.max(used - included, 0) * beyond
const isPrime = (value: number) =>
  value > 1 && upTo(value).every((factor) => factor < 2 || value % factor !== 0)
const isLeap = (year: number) => year % 400 === 0 || (year % 4 === 0 && year % 100 !== 0)
const meanAndMedian = (input: string) => `平均数${mean(numbers(input))}，中位数${median(numbers(input))}`
const unique = (input: string) => [...new Set(listed(input))].join('、')
const known = (order: string) => (input: string) =>
  listed(input)
    .toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
    .join('、')

/** The marks of a pupil in "甲：语文88，数学92", Chinese first. */
const marksOf = (input: string, pupil: string) => numbers(input.split(`${pupil}：`)[1]?.split('；')[0] ?? '')

const answers: Record<string, Compute> = {
  '把这几位同学的跳绳成绩从多到少排好。': (input) =>
    listed(input)
      .toSorted((a, b) => (numbers(b)[0] ?? 0) - (numbers(a)[0] ?? 0))
      .join('，'),
  '摄氏温度换成华氏温度，结果保留一位小数。': (input) => (Number(input) * 1.8 + 32).toFixed(1),
  '算一算这顿饭每人该付多少，除不尽的保留到分。': (input) => {
    const bills = numbers(input).map((bill, at) =>
      at > 0 && input.includes('代金券') && at === 2 ? -bill : bill,
    )
    return `${(total(bills) / valueOf(input[0] ?? '')).toFixed(2)}元`
  },
  '数一数每句话里有多少个汉字，标点不算。': (input) => String(han(input)),
  '将这些日期统一写成“年-月-日”的格式，月和日补足两位。': isoDate,
  '把罗马数字写成阿拉伯数字。': (input) => String(roman(input)),
  '人民币金额写成大写。': (input) => inCapitals(Number(input)),
  '把“早上七点三刻”这类说法改成二十四小时制的数字时间。': timeOf,
  '判断数是质数还是合数。': (input) => (isPrime(Number(input)) ? '质数' : '合数'),
  '把学生名单按姓氏的拼音字母顺序排列。': (input) =>
    listed(input)
      .toSorted((a, b) => a.localeCompare(b, 'zh-Hans-CN-u-co-pinyin'))
      .join('、'),
  '计算身体质量指数（BMI），保留一位小数，并按中国标准说是偏瘦、正常、超重还是肥胖。': (input) => {
    const [height = 1, weight = 0] = numbers(input)
    const bmi = weight / height ** 2
    return `${bmi.toFixed(1)}，${bmi < 18.5 ? '偏瘦' : bmi < 24 ? '正常' : bmi < 28 ? '超重' : '肥胖'}`
  },
  '两个日子之间隔了多少天？头尾只算一头。': (input) => `${daysBetween(input)}天`,
  '两个日子之间隔了多少个整星期？零头算天数。': (input) =>
    `${Math.floor(daysBetween(input) / 7)}个整星期，剩${daysBetween(input) % 7}天`,
  '十进制数改写成二进制。': (input) => Number(input).toString(2),
  '根据司机的行车记录，求平均每百公里油耗，保留一位小数。': (input) => {
    const [fuel = 0, ...way] = numbers(input).toReversed()
    const [end = 0, start = 0] = way
    return `${((100 * fuel) / (end - start)).toFixed(1)}升`
  },
  '一份四人份的菜谱要做给十个人吃，各样料该放多少？': (input) =>
    input.replace(/\d+/g, (amount) => String((Number(amount) / 4) * 10)),
  '这一年出生的人属什么？按春节之后出生算，只写一个字。': (input) =>
    '鼠牛虎兔龙蛇马羊猴鸡狗猪'[(Number(input) - 4) % 12] ?? '',
  '求这组数的平均数和中位数。': meanAndMedian,
  '从北京时间推算当地时间，不考虑夏令时。': localTime,
  '约分，写成最简分数。': (input) => {
    const [above = 0, below = 1] = numbers(input)
    return `${above / gcd(above, below)}/${below / gcd(above, below)}`
  },
  '面积单位互换，一亩取 667 平方米，得数四舍五入到个位。': (input) =>
    input.endsWith('亩')
      ? `${Math.round(parseFloat(input) * 667)}平方米`
      : `${Math.round(parseFloat(input) / 667)}亩`,
  '把字符串里的字母全部改成大写，并数出共有几个字母。': (input) =>
    `${input.toUpperCase()}，${count(input, /[a-z]/gi)}个字母`,
  '电费实行阶梯价：每月 200 度以内每度 0.5 元，超出部分每度 0.6 元。求应交电费。': (input) =>
    `${tariff(parseInt(input), 200, 0.5, 0.6)}元`,
  '水费实行阶梯价：每月 15 吨以内每吨 3 元，超出部分每吨 4.5 元。求应交水费，保留到角。': (input) =>
    `${tariff(parseInt(input), 15, 3, 4.5).toFixed(1)}元`,
  '从身份证号码（虚构）里读出生日和性别，第十七位奇数为男、偶数为女。': (input) => {
    const [year, month, day] = [input.slice(6, 10), input.slice(10, 12), input.slice(12, 14)].map(Number)
    return `${year}年${month}月${day}日，${Number(input[16]) % 2 ? '男' : '女'}`
  },
  '去掉名单里重复的名字，保留第一次出现的顺序。': unique,
  '天干地支纪年：公元某年对应哪一年？': (input) =>
    `${'甲乙丙丁戊己庚辛壬癸'[(Number(input) - 4) % 10]}${'子丑寅卯辰巳午未申酉戌亥'[(Number(input) - 4) % 12]}年`,
  '逐字把句子倒过来念，写出结果，不要标点。': (input) => [...input].toReversed().join(''),
  '求两个数的最大公约数和最小公倍数。': (input) => {
    const [a = 0, b = 0] = numbers(input)
    return `最大公约数${gcd(a, b)}，最小公倍数${(a * b) / gcd(a, b)}`
  },
  '把这个市制重量换成克，一斤按五百克、一两按五十克算。': (input) => {
    const worth = Object.entries({ 斤: 500, 两: 50, 钱: 5 }).map(([unit, grams]) => {
      const amount = new RegExp(`([半一二三四五六七八九])${unit}`).exec(input)?.[1]
      return amount === undefined ? 0 : grams * (amount === '半' ? 0.5 : valueOf(amount))
    })
    return `${total(worth)}克`
  },
  '给初三的学生分辨：这个角是锐角、直角还是钝角？': (input) => {
    const hour = /^(.)点整/.exec(input)?.[1]
    const angle = hour ? 30 * valueOf(hour) : parseFloat(input)
    return angle < 90 ? '锐角' : angle === 90 ? '直角' : '钝角'
  },
  '把时间词按一天里的先后排好。': known('拂晓、清晨、正午、午后、黄昏、傍晚'),
  '“立春”到“立夏”之间有哪些节气？按顺序写出来，不算立夏。': () =>
    '立春雨水惊蛰春分清明谷雨立夏'.split('立夏')[0]?.match(/../g)?.join('、') ?? '',
  '报站名练习：写出上一站和下一站。线路依次是东湖、书院街、钟楼、南门、火车站。': (input) => {
    const line = listed('东湖、书院街、钟楼、南门、火车站')
    const at = line.indexOf(input)
    return `上一站${line[at - 1]}，下一站${line[at + 1]}`
  },
}

/** Tasks whose answer explains itself: what is computed stands in it. */
const within: Record<string, Compute> = {
  '小周2024年3月18日入职，试用期三个月，他从哪一天起算正式员工？写出推算过程。': () => {
    const start = new Date(Date.UTC(2024, 2 + 3, 18))
    return `${start.getUTCFullYear()}年${start.getUTCMonth() + 1}月${start.getUTCDate()}日起`
  },
  '什么叫“复利”？拿一万元存三年、每年 4% 举例，算到分。': () => `${(10000 * 1.04 ** 3).toFixed(2)}元`,
  '房东说“押一付三”，月租 3200 元，签约那天一共要准备多少钱？再列出三样签字前必须看的东西。': () =>
    `＝${3200 * (1 + 3)}元`,
  '一件衬衫原价 299 元，先打八折，结账时再减 20 元，实付多少？相当于打了几折？': () =>
    `${plainly(299 * 0.8 - 20)}元。${plainly(299 * 0.8 - 20)}÷299≈${((299 * 0.8 - 20) / 299).toFixed(3)}`,
  '从菜市场对话中整理出买了什么、多少、花了多少钱。': () => `合计${4.5 * 2 + 1.5 + 6 * 3}元`,
  '某商品先涨价 20%，再降价 20%，价钱和原来比怎样？用一百元的东西算给外婆听。': () =>
    `剩${inWords(plainly(100 * 1.2 * 0.8))}块`,
  '世界杯三十二支球队分八组，每组四队单循环，小组赛一共踢多少场？淘汰赛（含三四名决赛）又有多少场？': () =>
    `8组共${8 * ((4 * 3) / 2)}场`,
  '某电商“满300减50”，购物车里有 129、86、99 三件，怎样最划算？': () => `付${129 + 86 + 99 - 50}元`,
  '高速上平均时速 96 公里，跑 240 公里要多久？中途休息 20 分钟，早上 8:10 出发，几点到？': () =>
    `${clock(8 * 60 + 10 + (240 / 96) * 60 + 20)}到`,
  '每天背 25 个单词，从 6 月 1 日开始，背完 700 个是哪一天？': () => `是${nthDay(6, 1, 700 / 25)}`,
  '一块长方形菜地长 12 米、宽 7.5 米，四周要围篱笆，留一米宽的门不围，需要多少米篱笆？地有多大？': () =>
    `需要${(12 + 7.5) * 2 - 1}米篱笆。\n面积：12×7.5＝${12 * 7.5}平方米`,
  '请帮小店老板看看进货账，找出不对的一处。': (input) => {
    const rows = input.split('\n').slice(0, -1).map(numbers)
    const sums = rows.map(([weight = 0, price = 0]) => weight * price)
    const [, wrong = []] =
      rows.map((row, at) => [sums[at], row] as const).find(([sum, row]) => sum !== row[2]) ?? []
    return `${wrong[0]}×${wrong[1]}＝${(wrong[0] ?? 0) * (wrong[1] ?? 0)}元，不是${wrong[2]}元。合计应为${sums.join('＋')}＝${total(sums)}元`
  },
  '先算两人的平均分，再看只比数学时名次会不会变。': (input) =>
    `甲平均${mean(marksOf(input, '甲'))}分，乙平均${mean(marksOf(input, '乙'))}分`,
  '从一串销售数字里找出最高和最低的月份，并算出两者相差多少。': (input) => {
    const months = listed(input).toSorted((a, b) => parseInt(a.slice(2)) - parseInt(b.slice(2)))
    const [low = '', high = ''] = [months.at(0), months.at(-1)]
    return `最高：${high}；最低：${low}；相差${parseInt(high.slice(2)) - parseInt(low.slice(2))}万`
  },
  '从聊天里算出三个人最后该怎样转账，次数最少。': () => {
    const share = (240 + 150) / 3
    return `老宋转阿梅${240 - share}元，再转小武${150 - share}元`
  },
  '找出这串数字的规律，填出后两个数。': (input) => {
    const row = numbers(input)
    const [a = 0, b = 0] = row.slice(-2)
    const step = row.every((value, at) => at < 2 || value === (row[at - 1] ?? 0) + (row[at - 2] ?? 0))
    return step ? `${a + b}，${a + 2 * b}` : `${b + (b - a) + 2}，${b + 2 * (b - a) + 6}`
  },
  '羽毛球双打打到一半，这一球该由谁发？': (input) => {
    const [score = 0] = numbers(input)
    return `${score % 2 ? '乙' : '甲'}发球`
  },
}

/** Tasks with a wrong sum: the true answers, of which what stands in the task misses exactly one. */
const truths: Record<string, Compute> = {
  '某股票周一涨 10%，周二跌 10%，问两天合计涨跌多少。': () => `跌${plainly(100 - 110 * 0.9)}%`,
  '求出整首诗里“花”字共出现几次。': (input) => `${count(input, /花/g)}次`,
  '晚上 22:40 睡，第二天 6:15 醒，一共睡了多长时间？': () => {
    const slept = 24 * 60 + 6 * 60 + 15 - (22 * 60 + 40)
    return `${Math.floor(slept / 60)}小时${slept % 60}分钟`
  },
  '英里化成公里，1英里按1.6公里计算。': (input) => `${plainly(parseInt(input) * 1.6)}公里`,
  '房价从每平方米 8000 元涨到 10000 元，涨了百分之几？后来又跌回 8000 元，跌了百分之几？': () =>
    `${(100 * 2000) / 8000}%`,
  '比大小，把大的写在前面。': (input) =>
    numbers(input)
      .toSorted((a, b) => b - a)
      .join('，'),
  '1/3 块蛋糕加 1/4 块蛋糕，合起来是多少？': () => `${4 + 3}/${3 * 4}`,
  '十个人见面，每两人握一次手，总共握几次？': () => `${(10 * 9) / 2}次`,
  '一条小路长 100 米，从头到尾每隔 5 米种一棵树，两端都种，需要几棵树苗？': () => `${100 / 5 + 1}棵`,
  '发票含税价 113 元，税率 13%，其中税额是多少元？': () => `税额是${plainly(113 - 113 / 1.13)}元`,
  '去学校时骑车每小时 20 公里，回来时逆风每小时 12 公里，来回走的是同一条路，平均速度是多少？': () =>
    `${plainly(2 / (1 / 20 + 1 / 12))}公里`,
  '把 20 克盐溶进 180 克水，盐水的浓度是多少？再加 100 克水呢？': () => `${(100 * 20) / (20 + 180)}%`,
  '5 月 20 日是集训第 1 天，第 100 天是几月几日？': () => nthDay(5, 20, 100),
  '统计每个英文单词里字母“e”出现的次数。': (input) => String(count(input, /e/g)),
  '将成绩从低到高排队，并列的写在一起。': (input) =>
    numbers(input)
      .toSorted((a, b) => a - b)
      .join('，'),
  '12 箱矿泉水，每箱 24 瓶，分给 36 个人，每人能拿几瓶？还剩几瓶？': () =>
    `每人${Math.floor((12 * 24) / 36)}瓶，还剩${(12 * 24) % 36}瓶`,
  '求下一个闰年，并说明判断依据。': (input) => {
    const [after = 0] = numbers(input)
    return `${upTo(9)
      .map((ahead) => after + 1 + ahead)
      .find(isLeap)}年`
  },
  '旅行社报价：成人 680 元，儿童半价，两大两小打九折，一共付多少？': () =>
    `${plainly((2 * 680 + 2 * 340) * 0.9)}元`,
  '手机套餐 59 元含 20G，超出每 G 3 元，这个月用了 31.5G，不足 1G 按 1G 收，月底要交多少？': () =>
    `${59 + 3 * Math.ceil(31.5 - 20)}元`,
  '算出某人在指定日期满几周岁。': (input) => {
    const [born, day] = datesIn(input).map((date) => new Date(date).toISOString())
    const had = (day?.slice(5) ?? '') >= (born?.slice(5) ?? '')
    return `${parseInt(day ?? '') - parseInt(born ?? '') - (had ? 0 : 1)}周岁`
  },
}

/** How many characters an answer, or each line of it after its number or name, may have. */
const limits: [instruction: string, least: number, most: number, size: (output: string) => number[]][] = [
  ['这封邮件客套话太多，压缩到四十个字以内，意思不能丢。', 1, 40, (output) => [output.length]],
  ['用不超过三十个字概括这则消息。', 1, 30, (output) => [output.length]],
  ['把“我妈做的红烧肉很好吃”扩写成五十字左右，不许出现“好吃”和“香”。', 45, 55, (output) => [output.length]],
  ['社区要征集“旧衣回收”的口号，写四条，每条不超过十二个字。', 1, 12, linesOf],
  ['为一家只卖粥的早餐店写菜单，五种粥，每种配一句不超过十二字的介绍。', 1, 12, linesOf],
  ['编一个不超过八十字的睡前故事，主角是一颗不想掉下来的牙。', 40, 80, (output) => [output.length]],
  ['把学生作文里的流水账改成一个有看头的片段，不超过一百字。', 40, 100, (output) => [output.length]],
  ['用不到六十字为滑雪初学者写一条摔倒口诀和说明。', 20, 59, (output) => [output.length]],
  ['用一百字左右介绍都江堰为什么不用大坝也能分水。', 85, 120, (output) => [output.length]],
  [
    '论述为何“先把丑话说在前头”有时是一种善意，写一百二十字左右的短评。',
    105,
    150,
    (output) => [output.length],
  ],
  ['写一副贴在中医诊所门口的对联，上下联各七个字。', 7, 7, linesOf],
  ['写一副贴在社区图书馆门口的对联，上下联各五个字，要好记。', 5, 5, linesOf],
  ['编一个谜底是“雨伞”的谜语，四句，每句字数一样，要押韵。', 5, 5, linesOf],
  ['给网店商品名减肥，减到十个字以内，保留最重要的信息。', 1, 10, (output) => [output.length]],
]

function linesOf(output: string): number[] {
  return output.split('\n').map((line) => han(line.replace(/^(?:\d\. |[^：]*：)/, '')))
}

describe('computed answers', () => {
  it.each(Object.keys(answers))('hold: %s', (instruction) => {
    const instances = instancesOf(instruction)
    expect(instances.map(({ output }) => output)).toEqual(
      instances.map(({ input }) => answers[instruction]?.(input)),
    )
  })

  it.each(Object.keys(within))('stand in the answer: %s', (instruction) => {
    for (const { input, output } of instancesOf(instruction)) {
      expect(output).toContain(within[instruction]?.(input))
    }
  })

  it('differ once from what a task with a wrong sum says', () => {
    const wrong = readOfflineTasks('zh').filter(({ fault }) => fault === 'wrong_sum')
    const missed = wrong.map(({ instruction, instances }) => {
      const right = instances.filter(({ input, output }) =>
        output.includes(truths[instruction]?.(input) ?? 'no truth for this task'),
      )
      return [instruction, instances.length - right.length]
    })
    expect(missed).toEqual(wrong.map(({ instruction }) => [instruction, 1]))
    expect(Object.keys(truths).toSorted()).toEqual(wrong.map(({ instruction }) => instruction).toSorted())
  })
})

describe('answers that keep a promise of form', () => {
  it.each(limits)('are as long as asked: %s', (instruction, least, most, size) => {
    const sizes = instancesOf(instruction).flatMap(({ output }) => size(output))
    expect(sizes.filter((length) => length < least || length > most)).toEqual([])
  })

  it('hold as many atoms on either side of an equation', () => {
    for (const { input, output } of instancesOf('化学方程式配平，只写结果。')) {
      const [before = '', after = ''] = output.split(' → ')
      expect(atoms(before)).toEqual(atoms(after))
      expect(output.replace(/(?<= |^)\d+(?=[A-Z])/g, '')).toBe(input)
    }
  })

  it('chain words by their last and first character', () => {
    const instruction = '词语接龙，下一个词的头一个字要和上一个词的最后一个字相同，接五个。'
    for (const { input, output } of instancesOf(instruction)) {
      const chain = [input, ...listed(output)]
      expect(chain).toHaveLength(6)
      expect(chain.slice(1).map((word) => word[0])).toEqual(chain.slice(0, -1).map((word) => word.at(-1)))
    }
  })

  it.each([
    ['把“我妈做的红烧肉很好吃”扩写成五十字左右，不许出现“好吃”和“香”。', /好吃|香/],
    ['写一段课间广播，提醒同学们轻声上下楼，要有画面，不许出现“不准”“禁止”。', /不准|禁止/],
  ])('leave out the forbidden words: %s', (instruction, forbidden) => {
    expect(instancesOf(instruction)[0]?.output).not.toMatch(forbidden)
  })

  it.each([
    [
      '刚毕业，每月到手六千五，房租两千，一到月底就没钱了。帮我做一份每月开销计划。',
      /^(?:房租|吃饭|交通通讯|日用|聚会|应急金|自由支配)/,
      6500,
    ],
    ['预算三万元装修一间十八平方米的书房，列出大概怎么花，最后留多少备用。', /^[^，]+：\d+元$/, 30000 - 3500],
  ])('share out the whole sum: %s', (instruction, isPart, whole) => {
    const lines = instancesOf(instruction).flatMap(({ output }) => output.split('\n'))
    const parts = lines.filter((line) => isPart.test(line)).map((line) => numbers(line)[0] ?? NaN)
    expect(parts.length).toBeGreaterThan(6)
    expect(total(parts)).toBe(whole)
  })

  it('pour from jug to jug, each time till one is empty or the other full', () => {
    const instruction =
      '有一桶八升的水和两个空桶，一个五升，一个三升，怎样量出正好四升？写出每一步后三个桶里的水量。'
    const [output = ''] = instancesOf(instruction).map((instance) => instance.output)
    const states = output
      .split('\n')
      .map(numbers)
      .filter((row) => row.length === 3)
    const steps = states.slice(1).map((state, at) => moved(states[at] ?? [], state))
    expect(states.at(0)).toEqual([8, 0, 0])
    expect(states.at(-1)).toContain(4)
    expect(steps).toEqual(steps.map(() => true))
    expect(steps).toHaveLength(6)
  })
})

/** Whether one jug was poured into another until it was empty or the other full. */
function moved(before: readonly number[], after: readonly number[]): boolean {
  const changes = after.map((amount, jug) => amount - (before[jug] ?? 0))
  const [from, to] = [changes.findIndex((change) => change < 0), changes.findIndex((change) => change > 0)]
  return total(changes) === 0 && changes.includes(0) && (after[from] === 0 || after[to] === [8, 5, 3][to])
}
