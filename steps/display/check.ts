export async function checkSetup(_: readonly string[]): Promise<void> {}
