import type { ReactNode } from 'react';
import { Slider as AriaSlider, Label, SliderOutput, SliderThumb, SliderTrack } from 'react-aria-components';
import styles from './slider.module.css';

interface SliderProps {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly value: number;
  readonly onChange: (value: number) => void;
  readonly onEnd?: (value: number) => void;
  readonly marks?: readonly number[];
  readonly hint?: ReactNode;
}

export function Slider({ label, min, max, step = 1, value, onChange, onEnd, marks = [], hint }: SliderProps) {
  return (
    <AriaSlider
      minValue={min}
      maxValue={max}
      step={step}
      value={value}
      onChange={(next) => onChange(next as number)}
      onChangeEnd={(next) => onEnd?.(next as number)}
      className={styles.slider}
    >
      <div className={styles.head}>
        <Label className={styles.label}>{label}</Label>
        <SliderOutput className={styles.value} />
      </div>
      <SliderTrack className={styles.track}>
        {({ state }) => (
          <>
            <span className={styles.line} />
            <span className={styles.fill} style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
            {marks.map((mark) => (
              <span
                key={mark}
                className={styles.mark}
                style={{ left: `${((mark - min) / (max - min)) * 100}%` }}
                aria-hidden
              >
                {mark}
              </span>
            ))}
            <SliderThumb className={styles.thumb} />
          </>
        )}
      </SliderTrack>
      {hint && <p className={styles.hint}>{hint}</p>}
    </AriaSlider>
  );
}
