import type { ReactNode } from 'react';
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from 'react-aria-components';
import styles from './tabs.module.css';

interface TabsProps<V extends string> {
  readonly label: string;
  readonly tabs: readonly { readonly id: V; readonly title: string; readonly content: ReactNode }[];
  readonly selected?: V;
  readonly onSelect?: (id: V) => void;
}

export function Tabs<V extends string>({ label, tabs, selected, onSelect }: TabsProps<V>) {
  return (
    <AriaTabs
      selectedKey={selected}
      onSelectionChange={(key) => onSelect?.(key as V)}
      className={styles.tabs}
    >
      <TabList aria-label={label} className={styles.list}>
        {tabs.map(({ id, title }) => (
          <Tab key={id} id={id} className={styles.tab}>
            {title}
          </Tab>
        ))}
      </TabList>
      {tabs.map(({ id, content }) => (
        <TabPanel key={id} id={id} className={styles.panel}>
          {content}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
