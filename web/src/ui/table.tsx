import { ArrowDown, ArrowUp } from 'lucide-react';
import type { Key, ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './table.module.css';

export interface Column<T> {
  readonly id: string;
  readonly title: ReactNode;
  readonly cell: (row: T) => ReactNode;
  readonly isRight?: boolean;
  readonly canSort?: boolean;
  /** Left out below 640 px. */
  readonly isMinor?: boolean;
  readonly width?: string;
}

export interface Sort {
  readonly by: string;
  readonly order: 'asc' | 'desc';
}

interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => Key;
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
  /** A row that a click opens; the first column must hold a link or button for the keyboard. */
  readonly onOpen?: (row: T) => void;
}

export function Table<T>({ label, columns, rows, keyOf, sort, onSort, onOpen }: TableProps<T>) {
  const flip = (id: string): Sort =>
    sort?.by === id ? { by: id, order: sort.order === 'asc' ? 'desc' : 'asc' } : { by: id, order: 'desc' };
  const classOf = ({ isRight, isMinor }: Column<T>) => cx(isRight && styles.right, isMinor && styles.minor);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it.
    <section className={styles.scroll} aria-label={label} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map((column) => {
              const isSorted = sort?.by === column.id;
              const order = isSorted ? (sort.order === 'asc' ? 'ascending' : 'descending') : undefined;
              return (
                <th
                  key={column.id}
                  scope="col"
                  aria-sort={column.canSort ? (order ?? 'none') : undefined}
                  className={classOf(column)}
                  style={{ width: column.width }}
                >
                  {column.canSort && onSort ? (
                    <button type="button" className={styles.sort} onClick={() => onSort(flip(column.id))}>
                      {column.title}
                      {isSorted && (sort.order === 'asc' ? <ArrowUp size={13} /> : <ArrowDown size={13} />)}
                    </button>
                  ) : (
                    column.title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              className={cx(onOpen && styles.open)}
              onClick={onOpen && (() => onOpen(row))}
            >
              {columns.map((column) => (
                <td key={column.id} className={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
