import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutPodTemplate } from './rule.ts';

testRule(rolloutPodTemplate, import.meta.dirname);
