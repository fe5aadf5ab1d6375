/** Calls report an expired session or a required password here; the shell asks the reader. */
type Confirm = () => Promise<boolean>;

let onExpired: () => void = () => {};
let onConfirm: Confirm = async () => false;
let asking: Promise<boolean> | null = null;

export const sessionEvents = {
  expired: () => onExpired(),
  /** Parallel calls share one dialog. @returns false if the reader gave up. */
  confirm(): Promise<boolean> {
    asking ??= onConfirm().finally(() => {
      asking = null;
    });
    return asking;
  },
  onExpired(listener: () => void): () => void {
    onExpired = listener;
    return () => {
      onExpired = () => {};
    };
  },
  onConfirm(listener: Confirm): () => void {
    onConfirm = listener;
    return () => {
      onConfirm = async () => false;
    };
  },
};
