type Confirm = () => Promise<boolean>;

let onExpired: () => void = () => {};
let onConfirm: Confirm = async () => false;
let asking: Promise<boolean> | null = null;

export const sessionEvents = {
  expired: () => onExpired(),
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
