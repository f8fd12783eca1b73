// What the report page says; the other language's words are not loaded.
import type { Language } from '../../text/language.ts'
import type { en } from './words-en.ts'

export type ReportWords = typeof en

export async function reportWordsIn(language: Language): Promise<ReportWords> {
  return language === 'zh' ? (await import('./words-zh.ts')).zh : (await import('./words-en.ts')).en
}
